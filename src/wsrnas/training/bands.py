"""Bands of strengths: which networks of an ensemble train at which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from wsrnas.errors import refuse
from wsrnas.parts import PartConfig
from wsrnas.training.losses import LOSSES
from wsrnas.types import parse_strengths

Bands: TypeAlias = tuple[tuple[float, ...], ...]


def read_bands(value: str | Sequence[Any] | None) -> Bands:
    """Read bands: ``0.03,0.045; 0.06,0.075`` or ``[[0.03, 0.045], [0.06, 0.075]]``; None is no band at all.

    Raises:
        InputError: a single band, an unreadable one, or strengths that do not ascend from band to band.
    """
    if value is None:
        return ()
    items = [part for part in value.split(";") if part.strip()] if isinstance(value, str) else list(value)
    bands = tuple(parse_strengths(item, argument="bands") for item in items)
    if len(bands) < 2:
        remedy = "use --bands null for one network, and the loss 'multi' for several strengths in it"
        refuse("bands", expected="at least two bands, with ; between them", got=value, remedy=remedy)
    every = [strength for band in bands for strength in band]
    if every != sorted(set(every)):
        refuse("bands", expected="bands that do not overlap, weakest first", got=value, remedy="sort them")
    return bands


def band_loss(loss: PartConfig, band: tuple[float, ...]) -> PartConfig:
    """Return the loss of one band: its `strengths` where the loss has several, else its `eps`.

    Raises:
        InputError: a loss with neither, or several strengths for a loss with one.
    """
    settings = LOSSES.settings(loss.name, argument="loss.name")
    if "strengths" in settings:
        return replace(loss, settings={**loss.settings, "strengths": list(band)})
    if "eps" not in settings:
        refuse("bands", expected="a loss with strengths (multi) or eps", got=f"{loss.name!r}", remedy="set loss.name")
    if len(band) > 1:
        remedy = "use --loss.name multi"
        refuse("bands", expected=f"one strength a band for the loss {loss.name!r}", got=band, remedy=remedy)
    return replace(loss, settings={**loss.settings, "eps": band[0]})

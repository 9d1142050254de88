"""Strengths beside the text that the user wrote for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from wsrnas.types import Norm, format_strength, parse_strengths

Strengths: TypeAlias = str | float | int | Iterable[str | float | int]
Spelling: TypeAlias = dict[float, str]
"""What a strength is called in tables and files, such as ``8/255``."""


def read_strengths(value: Strengths, *, norm: Norm, argument: str = "strengths") -> tuple[tuple[float, ...], Spelling]:
    """Return ascending strengths and how each was written; numbers and ranges are written as `format_strength` does.

    Raises:
        InputError: as `types.parse_strengths`.
    """
    if isinstance(value, (str, int, float)):
        items: list[str | float] = [value]
    else:
        items = [item if isinstance(item, str) else float(item) for item in value]
    found = parse_strengths(items[0] if len(items) == 1 else items, argument=argument, norm=norm)
    pieces = items[0].strip().strip("[]").split(",") if len(items) == 1 and isinstance(items[0], str) else items
    texts = [piece.replace(" ", "") for piece in pieces if isinstance(piece, str) and piece.strip()]
    written = texts if len(texts) == len(found) and ":" not in "".join(texts) else [""] * len(found)
    if len(items) > 1:
        written = [item.replace(" ", "") if isinstance(item, str) else "" for item in items]
    return found, spell(found, dict(zip(found, written)))


def spell(strengths: Sequence[float], known: Spelling | None = None) -> Spelling:
    """Return a text for every strength, the known one where there is one; no two are alike."""
    texts = {strength: (known or {}).get(strength) or format_strength(strength) for strength in strengths}
    count = list(texts.values()).count
    return {strength: text if count(text) == 1 else repr(strength) for strength, text in texts.items()}

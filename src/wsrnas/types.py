"""Shapes, norms and strengths: the words every other file uses.

Images are float32 in [0,1]; a strength is a radius in the attack's norm, in the same pixel units.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, TypeAlias

from jaxtyping import Float, Int
from torch import Tensor

from wsrnas.errors import refuse

Images: TypeAlias = Float[Tensor, "B C H W"]
Labels: TypeAlias = Int[Tensor, "B"]
Logits: TypeAlias = Float[Tensor, "B classes"]
Noises: TypeAlias = Float[Tensor, "B N C H W"]
"""Noises of one batch at N strengths, strengths ascending along N."""
Losses: TypeAlias = Float[Tensor, "strength"]
"""Mean cross-entropy per image, index 0 clean, then one entry per strength in ascending order."""
Encoding: TypeAlias = Float[Tensor, "E K"]
"""H: one row per edge, one column per operation."""

Norm = Literal["Linf", "L2"]
Choice: TypeAlias = tuple[int, ...]
"""The operation on each edge of the super-network, -1 where the edge is absent."""

MOST_STRENGTHS = 10_000
"""Strengths that a range may stand for."""
_COUNT = re.compile(r"^\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([kKmMgG]?)\s*$")
_THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_FRACTION = re.compile(r"^\s*([0-9.eE+-]+)\s*/\s*([0-9.eE+-]+)\s*$")


def parse_strength(value: str | float | int, *, argument: str = "strength") -> float:
    """Read one strength: ``8/255``, ``0.031`` or a number.

    Raises:
        InputError: not a number, negative, or above 1 (the usual cause is a value in 0..255 pixel units).
    """
    try:
        if isinstance(value, str) and (match := _FRACTION.match(value)):
            strength = float(match[1]) / float(match[2])
        else:
            strength = float(value)
    except (ValueError, ZeroDivisionError, TypeError):
        refuse(argument, expected="a radius such as 8/255 or 0.031", got=value)
    if not math.isfinite(strength) or strength < 0:
        refuse(argument, expected="a finite radius >= 0", got=value)
    return strength


def parse_count(value: str | int, *, argument: str) -> int:
    """Read a whole number as people write large ones: ``20k``, ``1.5M``, ``20_000`` or 20000.

    Raises:
        InputError: not a whole number of at least 1.
    """
    match = _COUNT.match(value) if isinstance(value, str) else None
    if match is not None:
        exact = Fraction(match[1].replace("_", "")) * _THOUSANDS[match[2].lower()]
    elif isinstance(value, int) and not isinstance(value, bool):
        exact = Fraction(value)
    else:
        refuse(argument, expected="a whole number such as 20000, 20k or 1.5M", got=repr(value)[:80])
    if exact.denominator != 1 or exact < 1:
        refuse(argument, expected="a whole number of at least 1, such as 20000, 20k or 1.5M", got=repr(value)[:80])
    return int(exact)


def check_linf(strength: float, *, argument: str = "strength") -> float:
    """Return an L-infinity radius unchanged, or refuse one above 1 with the usual remedy."""
    if strength > 1:
        hint = f"did you mean {strength:g}/255?" if strength <= 255 else "strengths are radii of images in [0,1]"
        refuse(argument, expected="an L-infinity radius in [0,1]", got=f"{strength:g}", remedy=hint)
    return strength


def parse_strengths(
    value: str | float | Iterable[str | float], *, argument: str = "strengths", norm: Norm = "Linf"
) -> tuple[float, ...]:
    """Read several strengths: a list, ``0,2/255,8/255`` or the range ``1/255:32/255:9`` (first, last, how many).

    Returns them as given, checked to be strictly ascending.

    Raises:
        InputError: unreadable, negative, above 1 for L-infinity, unsorted, repeated or empty.
    """
    if isinstance(value, str):
        parts = value.strip().strip("[]").split(",")
        if len(parts) == 1 and value.count(":") == 2:
            first, last, count = value.split(":")
            low, high = parse_strength(first, argument=argument), parse_strength(last, argument=argument)
            if not re.fullmatch(r"[0-9]{1,9}", count.strip()) or not 2 <= int(count) <= MOST_STRENGTHS:
                refuse(argument, expected=f"first:last:count with a count of 2 to {MOST_STRENGTHS:,}", got=value)
            parts = [str(low + (high - low) * i / (int(count) - 1)) for i in range(int(count))]
        items: list[str | float] = [p for p in (part.strip() for part in parts) if p]
    elif isinstance(value, (int, float)):
        items = [value]
    else:
        items = list(value)
    strengths = tuple(parse_strength(item, argument=argument) for item in items)
    if not strengths:
        refuse(argument, expected="at least one strength", got=value or "none")
    if norm == "Linf":
        for strength in strengths:
            check_linf(strength, argument=argument)
    ordered = sorted(set(strengths))
    if list(strengths) != ordered:
        what = "repeats a value" if len(ordered) < len(strengths) else "is not sorted"
        shown = ", ".join(f"{s:g}" for s in strengths)
        remedy = f"it {what}; write {','.join(f'{s:g}' for s in ordered)}"
        refuse(argument, expected="strictly ascending strengths", got=shown, remedy=remedy)
    return strengths


def format_strength(strength: float) -> str:
    """Write a strength as people read it: ``8/255`` for a whole number of grey levels, else four digits: ``0.03``.

    A round decimal stays one, also where it is a whole number of grey levels: ``0.2``, not ``51/255``.
    """
    decimal, levels = f"{strength:.4g}", strength * 255
    is_round = abs(float(decimal) - strength) <= 1e-6 * strength
    if not is_round and round(levels) > 0 and abs(levels - round(levels)) < 1e-4:
        return f"{round(levels)}/255"
    return decimal

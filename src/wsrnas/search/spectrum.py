"""Which strengths a search looks at, and what each of their losses weighs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wsrnas.errors import one_of, refuse
from wsrnas.search.objective import SearchObjective
from wsrnas.types import parse_strengths

PAPER_STRENGTH_WEIGHTS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class SpectrumConfig:
    """The strengths the search looks at, and what each of their losses weighs (Eq. 10).

    Args:
        strengths: all N1+N2 strengths, ascending.
        attacked: N1, how many of them are attacked for real, one of each of N1 intervals; or the list of these
            strengths itself; null takes two, or one where there is only one. The others are estimated.
        attacked_at: which strength of an interval that is: first (the paper), middle, or lowest (the middle, but
            the first of the lowest interval, whose noise is the hardest to estimate).
        clean_weight: α.
        robust_weight: β = 1 − α.
        strength_weights: β_i, one per strength, summing to 1; null takes the paper's 1,2,3,5,7,10 (interpolated over
            the position where there are not six).
    """

    strengths: str | float | list[str | float] = "0.03,0.045,0.06,0.075,0.09,0.105"
    attacked: int | str | list[str | float] | None = None
    attacked_at: str = "lowest"
    clean_weight: float = 0.8
    robust_weight: float = 0.2
    strength_weights: list[float] | None = None

    def __post_init__(self) -> None:
        one_of("spectrum.attacked_at", self.attacked_at, ("first", "middle", "lowest"))
        self.objective()
        self.attacked_strengths()

    def all_strengths(self) -> tuple[float, ...]:
        """Return every strength, ascending."""
        strengths = parse_strengths(self.strengths, argument="spectrum.strengths")
        if strengths[0] == 0:
            refuse("spectrum.strengths", expected="strengths > 0", got="0", remedy="the clean loss is always measured")
        return strengths

    def attacked_strengths(self) -> tuple[float, ...]:
        """Return the N1 strengths that are attacked for real."""
        strengths = self.all_strengths()
        if self.attacked is None:
            return one_of_each_interval(strengths, min(2, len(strengths)), self.attacked_at)
        if isinstance(self.attacked, int):
            return one_of_each_interval(strengths, self.attacked, self.attacked_at)
        attacked = parse_strengths(self.attacked, argument="spectrum.attacked")
        for strength in attacked:
            if strength not in strengths:
                shown = ", ".join(f"{s:g}" for s in strengths)
                refuse("spectrum.attacked", expected=f"some of the strengths {shown}", got=f"{strength:g}")
        return attacked

    def objective(self) -> SearchObjective:
        """Return Eq. 10 with these weights."""
        count = len(self.all_strengths())
        weights = self.strength_weights
        if weights is None:
            weights = _paper_strength_weights(count)
        elif len(weights) != count:
            refuse("spectrum.strength_weights", expected=f"{count} weights, one per strength", got=len(weights))
        return SearchObjective(
            clean_weight=self.clean_weight, robust_weight=self.robust_weight, strength_weights=tuple(weights)
        )


def one_of_each_interval(strengths: tuple[float, ...], count: int, at: str) -> tuple[float, ...]:
    """Split the strengths into `count` intervals of nearly equal size and return one of each, as `at` says.

    "lowest" takes the first of the lowest interval and the middle of the others: 0.03 and 0.09 of the paper's six; with
    one interval, its middle.
    Of two middle ones the upper is taken: estimates err less below an attacked strength than above it.
    Six strengths in three intervals: 0.03 | 0.06 | 0.09 are the first ones, as in the paper's Basic.
    """
    if not 1 <= count <= len(strengths):
        remedy = f"use at most {len(strengths)}"
        refuse("spectrum.attacked (N1)", expected=f"1 to {len(strengths)} (the strengths)", got=count, remedy=remedy)
    bounds = [round(index * len(strengths) / count) for index in range(count + 1)]
    firsts = {"first": bounds[:-1], "middle": [], "lowest": bounds[:1] if count > 1 else []}[at]
    return tuple(strengths[start if start in firsts else (start + end) // 2] for start, end in pairwise(bounds))


def _paper_strength_weights(count: int) -> list[float]:
    positions = np.linspace(0, len(PAPER_STRENGTH_WEIGHTS) - 1, count) if count > 1 else np.zeros(1)
    weights = np.interp(positions, range(len(PAPER_STRENGTH_WEIGHTS)), PAPER_STRENGTH_WEIGHTS)
    return [float(weight) for weight in weights / weights.sum()]

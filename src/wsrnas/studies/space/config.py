"""How large a study of what a space holds is."""

from __future__ import annotations

from dataclasses import dataclass

from wsrnas.errors import at_least, refuse
from wsrnas.search.config import SearchConfig
from wsrnas.studies.scales import trained_search

SMALL: dict[str, tuple[int, int, int | None, int | None]] = {
    "darts": (12, 3, None, None),
    "nb201": (12, 3, None, None),
    "stages": (12, 3, 12_000, 250_000),
}
"""Architectures, seeds, weights and the most multiply-adds at the scale ``small``."""


@dataclass(frozen=True, kw_only=True)
class SpaceStudyConfig:
    """Everything a study of a space depends on.

    Args:
        search: data, spectrum, size of the networks and the short training (`labels`, `training`); `rivals` says with
            how many PGD steps networks are judged on the test set.
        architectures: random ones of one size.
        seeds: trainings of each.
        parameters: their size; null takes the median of the space.
        tolerance: how far from it they may be, as a share.
        multiply_adds: the most they may take; null does not limit them.
        worth: points of wide accuracy that the best of twenty has to gain for a search to pay.
        draws: of the intervals.
    """

    search: SearchConfig
    architectures: int = 16
    seeds: int = 3
    parameters: int | None = None
    tolerance: float = 0.05
    multiply_adds: int | None = None
    worth: float = 1.0
    draws: int = 20_000

    def __post_init__(self) -> None:
        at_least(2, architectures=self.architectures, seeds=self.seeds)
        at_least(100, draws=self.draws)
        for name in ("parameters", "multiply_adds"):
            value = getattr(self, name)
            if value is not None:
                at_least(1, **{name: value})
        if not self.worth > 0:
            refuse("worth", expected="points of accuracy > 0", got=self.worth)


def space_config(scale: str, space: str, *, root: str | None = None, seed: int = 0) -> SpaceStudyConfig:
    """Return the study at a scale: see `trained_search`."""
    search = trained_search(scale, space, root=root, seed=seed)
    if scale == "smoke":
        return SpaceStudyConfig(search=search, architectures=3, seeds=2, draws=200)
    if scale == "paper":
        return SpaceStudyConfig(search=search, architectures=32)
    architectures, seeds, parameters, multiply_adds = SMALL[space]
    return SpaceStudyConfig(
        search=search,
        architectures=architectures,
        seeds=seeds,
        parameters=parameters,
        multiply_adds=multiply_adds,
    )

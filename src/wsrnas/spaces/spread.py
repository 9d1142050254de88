"""What random architectures of one size differ by, where it was measured: what a search can find at most."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What `wsrnas study space` found, in points of wide accuracy (mean over the attacked strengths).

    `architectures` random ones of about `parameters` weights were trained `seeds` times each. `between` and `trainings`
    are standard deviations between architectures and between trainings of one, each with the ends of its 95 % interval;
    `gained` is what choosing the best of `chosen_of` by one training gained among these architectures.
    """

    space: str
    data: str
    image_size: int
    channels: int
    layers: int
    parameters: int
    architectures: int
    seeds: int
    epochs: int
    between: tuple[float, float, float]
    trainings: tuple[float, float, float]
    chosen_of: int
    gained: float

    def __str__(self) -> str:
        """Return it as sentences."""
        between, low, high = (f"{one:.1f}" for one in self.between)
        return (
            f"{self.architectures} random architectures of this space with about {self.parameters:,} weights "
            f"({self.channels} channels, {self.layers} cells, {self.data} at {self.image_size}×{self.image_size}, "
            f"{self.epochs} epochs, {self.seeds} trainings each) differ by a standard deviation of {between} points of "
            f"accuracy under attack (95 % interval {low} to {high}), two trainings of one by {self.trainings[0]:.1f}; "
            f"choosing the best of {self.chosen_of} by one training gained {self.gained:.1f} points there."
        )


@cache
def spreads() -> tuple[Spread, ...]:
    """Return everything that was measured."""
    found = json.loads(files("wsrnas.spaces").joinpath("spread.json").read_text(encoding="utf-8"))
    return tuple(
        Spread(**{**one, "between": tuple(one["between"]), "trainings": tuple(one["trainings"])}) for one in found
    )


def spread_of(space: str, data: str) -> Spread | None:
    """Return what was measured of a space on a data set, None where nothing was."""
    return next((one for one in spreads() if (one.space, one.data) == (space, data)), None)

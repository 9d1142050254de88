"""Learning rates as pure functions of the position, so that resuming needs no scheduler state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from wsrnas.errors import refuse
from wsrnas.parts import Parts


class Schedule(ABC):
    """The learning rate after `progress` epochs (a fraction inside an epoch) of `epochs`, relative to the highest."""

    name: ClassVar[str]

    @abstractmethod
    def factor(self, progress: float, epochs: int) -> float:
        """Return the factor on the learning rate, 0 ≤ factor ≤ 1."""

    def doubt(self, epochs: int) -> str | None:
        """Return what is odd about this schedule in a training of so many epochs; None where nothing is."""
        return None


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """factor = 1."""

    name: ClassVar[str] = "constant"

    def factor(self, progress: float, epochs: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """factor = decay^(number of milestones reached); milestones are epoch numbers counted from 0.

    The paper's retraining: milestones 99 and 149 of 200, decay 0.1. Without milestones the rate falls after a half and
    after three quarters of the training.
    """

    name: ClassVar[str] = "step"
    milestones: tuple[int, ...] | None = None
    decay: float = 0.1

    def __post_init__(self) -> None:
        if self.milestones is not None and (not self.milestones or any(epoch < 1 for epoch in self.milestones)):
            remedy = "leave them out for a half and three quarters of the training"
            refuse("schedule.settings.milestones", expected="epoch numbers >= 1", got=self.milestones, remedy=remedy)
        if not 0 < self.decay < 1:
            refuse("schedule.settings.decay", expected="a factor between 0 and 1", got=self.decay)

    def factor(self, progress: float, epochs: int) -> float:
        """Return decay to the power of the milestones reached."""
        milestones = self.milestones or (epochs / 2, 3 * epochs / 4)
        return self.decay ** sum(progress >= epoch for epoch in milestones)

    def doubt(self, epochs: int) -> str | None:
        """Name milestones that lie beyond the training."""
        late = [epoch for epoch in self.milestones or () if epoch >= epochs]
        if not late:
            return None
        shown = ", ".join(map(str, late))
        return (
            f"schedule.settings.milestones {shown}: the training ends after {epochs} epochs, before the learning rate "
            "falls there; give earlier ones, or --schedule.name cosine"
        )


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Linear warm-up over `warmup` epochs, then factor = last + (1 − last)·(1 + cos πt)/2, t from 0 to 1."""

    name: ClassVar[str] = "cosine"
    warmup: float = 0.0
    last: float = 0.0

    def __post_init__(self) -> None:
        if self.warmup < 0:
            refuse("schedule.settings.warmup", expected="epochs >= 0", got=self.warmup)
        if not 0 <= self.last <= 1:
            refuse("schedule.settings.last", expected="a factor between 0 and 1", got=self.last)

    def factor(self, progress: float, epochs: int) -> float:
        """Return the ramp or the cosine."""
        if progress < self.warmup:
            return progress / self.warmup
        t = min((progress - self.warmup) / max(epochs - self.warmup, 1e-9), 1.0)
        return self.last + (1 - self.last) * (1 + math.cos(math.pi * t)) / 2

    def doubt(self, epochs: int) -> str | None:
        """Name a warm-up that never ends."""
        if self.warmup < epochs:
            return None
        return f"schedule.settings.warmup {self.warmup:g}: the training ends after {epochs} epochs, still warming up"


@dataclass(frozen=True, kw_only=True)
class Cyclic(Schedule):
    """A triangle from 0 up to 1 at the fraction `peak` of the training and down to 0 (Fast-AT's schedule)."""

    name: ClassVar[str] = "cyclic"
    peak: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < self.peak < 1:
            refuse("schedule.settings.peak", expected="a fraction between 0 and 1", got=self.peak)

    def factor(self, progress: float, epochs: int) -> float:
        """Return the height of the triangle."""
        t = min(progress / epochs, 1.0)
        return t / self.peak if t < self.peak else (1 - t) / (1 - self.peak)


SCHEDULES: Parts[Schedule] = Parts(
    Schedule, "schedules", [(schedule.name, schedule) for schedule in (Constant, Step, Cosine, Cyclic)]
)
"""Every schedule by the name recipes use."""

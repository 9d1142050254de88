"""A loss or a schedule by name, as recipes and the command line write it."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, TypeVar

from wsrnas.errors import nearest, refuse
from wsrnas.training.losses import LOSSES, TrainingLoss
from wsrnas.training.schedules import SCHEDULES, Schedule
from wsrnas.types import parse_strength, parse_strengths

Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """A training loss by name with its settings; null leaves the loss's own default.

    Args:
        name: standard, pgd, trades, fast or multi.
        eps: radius such as 8/255 (pgd, trades, fast).
        strengths: radii such as 2/255,4/255,8/255 (multi).
        steps: attack steps (pgd, trades, multi).
        step_size: of the attack; 2.5 eps / steps by default (pgd, trades).
        step_ratio: step over eps, 1.25 by default (fast).
        random_start: whether the attack starts at a random point (pgd, multi).
        beta: weight of the divergence (trades).
        attack_mode: eval or train, the BatchNorm statistics the attack sees.
    """

    name: str = "pgd"
    eps: str | float | None = None
    strengths: str | list[str | float] | None = None
    steps: int | None = None
    step_size: str | float | None = None
    step_ratio: float | None = None
    random_start: bool | None = None
    beta: float | None = None
    attack_mode: str | None = None

    def build(self) -> TrainingLoss:
        """Return the loss.

        Raises:
            InputError: an unknown name, a setting that this loss does not have, or one it needs and lacks.
        """
        settings = {key: value for key, value in asdict(self).items() if key != "name" and value is not None}
        for key in ("eps", "step_size"):
            if key in settings:
                settings[key] = parse_strength(settings[key], argument=f"loss.{key}")
        if "strengths" in settings:
            settings["strengths"] = parse_strengths(settings["strengths"], argument="loss.strengths")
        return _part("loss", LOSSES, self.name, settings)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """A learning-rate schedule by name with its settings; null leaves the schedule's own default.

    Args:
        name: constant, step, cosine or cyclic.
        milestones: epochs at which the rate falls (step).
        decay: factor at each milestone, 0.1 by default (step).
        warmup: epochs of linear warm-up (cosine).
        last: final rate over the highest (cosine).
        peak: where in the training the rate is highest, a fraction (cyclic).
    """

    name: str = "cosine"
    milestones: list[int] | None = None
    decay: float | None = None
    warmup: float | None = None
    last: float | None = None
    peak: float | None = None

    def build(self) -> Schedule:
        """Return the schedule; refuses what `LossConfig.build` refuses."""
        settings = {key: value for key, value in asdict(self).items() if key != "name" and value is not None}
        if "milestones" in settings:
            settings["milestones"] = tuple(settings["milestones"])
        return _part("schedule", SCHEDULES, self.name, settings)


def _part(argument: str, known: dict[str, type[Part]], name: str, settings: dict[str, Any]) -> Part:
    """Build a swappable part by name, refusing settings it does not have."""
    if name not in known:
        refuse(f"{argument}.name", expected="a known name", got=name, remedy=nearest(name, list(known)))
    kind: Any = known[name]
    allowed = [item.name for item in fields(kind)]
    for key in settings:
        if key not in allowed:
            shown = ", ".join(allowed) or "nothing"
            refuse(f"{argument}.{key}", expected=f"a setting of {name!r} ({shown})", got=key, remedy="leave it out")
    needed = [item.name for item in fields(kind) if item.name not in settings and item.default is MISSING]
    if needed:
        refuse(f"{argument}.{needed[0]}", expected=f"a value, which {name!r} needs", got="none")
    return kind(**settings)

"""Attacks that do not follow the model's own gradient, run on what survives those that do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from wsrnas.attacks import FGSM, PGD, Attack, RandomNoise, RayS, SmoothedPGD, Square, Transfer
from wsrnas.evaluation.checks.attacking import Attacks
from wsrnas.evaluation.checks.samples import enough
from wsrnas.evaluation.checks.student import distilled
from wsrnas.evaluation.checks.verdict import Finding, found
from wsrnas.types import format_strength

_SHARE, _LATE_SHARE, _FEWEST = 0.03, 0.05, 4
"""Late on the curve what survives is a choice of images that PGD has trouble with on honest networks too."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What rivals did at one strength: of `white` images that survive all PGD attacks, how many each kind broke."""

    strength: float
    late: bool
    white: int
    single: int
    smoothed: int | None
    blind: int


class Rivals:
    """The rivals of one examination; the student is trained once, when first needed, for points up to `radius` away."""

    def __init__(self, attacks: Attacks, radius: float, others: Sequence[nn.Module]) -> None:
        self.attacks = attacks
        self.radius = radius
        self.others = tuple(others)

    @cached_property
    def student(self) -> nn.Module:
        """A small network taught by the model's answers."""
        return distilled(self.attacks.subject, self.radius)

    def against(self, white: Tensor, strength: float, *, late: bool, thorough: bool) -> Outcome:
        """Run them on the rows that survive PGD; `thorough` adds the dearer ones."""
        attacks, norm = self.attacks, self.attacks.subject.norm
        single = attacks.survivors(FGSM(eps=strength, norm=norm), white)
        smoothed = attacks.survivors(SmoothedPGD(eps=strength, norm=norm), white) if thorough else None
        left = white
        for attack, purpose in self._blind(strength, thorough):
            if len(left) == 0:
                break
            left = attacks.survivors(attack, left, purpose)
        return Outcome(
            strength=strength,
            late=late,
            white=len(white),
            single=len(white) - len(single),
            smoothed=None if smoothed is None else len(white) - len(smoothed),
            blind=len(white) - len(left),
        )

    def _blind(self, strength: float, thorough: bool) -> Iterator[tuple[Attack, str]]:
        """Yield attacks that never ask for the model's gradient, the cheapest first."""
        norm = self.attacks.subject.norm
        inner = PGD(eps=strength, norm=norm, steps=20)
        yield RandomNoise(eps=strength, norm=norm, draws=20), "noise"
        yield Transfer(eps=strength, norm=norm, sources=(self.student,), attack=inner), "student"
        if self.others:
            yield Transfer(eps=strength, norm=norm, sources=self.others, attack=inner), "others"
        yield Square(eps=strength, norm=norm, queries=300), "square"
        if thorough:
            yield RayS(eps=strength, norm=norm, flips=160), "rays"

    def findings(self, outcomes: Sequence[Outcome], count: int) -> list[Finding]:
        """Judge what was broken among `count` images."""
        names = ["random noise", "noise made on a student of the model's answers"]
        names += [f"noise from {len(self.others)} other models"] if self.others else []
        names += ["Square-300", "RayS (decisions only)"]
        tried = f"{', '.join(names[:-1])} and {names[-1]}"
        missing = "" if self.others else "; noise from other models was not tried, none were given (others)"
        smoothed = [(one, one.smoothed) for one in outcomes if one.smoothed is not None]
        return [
            found("fgsm-beats-pgd", any(_many(one, one.single, count) for one in outcomes),
                  "FGSM breaks " + _listed([(one, one.single) for one in outcomes])),
            found("smoothing-helps", any(_many(one, broken, count) for one, broken in smoothed),
                  "gradients averaged over noise break " + _listed(smoothed)),
            found("black-box-beats-white-box", any(_many(one, one.blind, count) for one in outcomes),
                  f"{tried} break " + _listed([(one, one.blind) for one in outcomes]) + missing),
        ]  # fmt: skip


def _many(one: Outcome, broken: int, count: int) -> bool:
    return broken >= _FEWEST and enough(broken, count, _LATE_SHARE if one.late else _SHARE)


def _listed(broken: Sequence[tuple[Outcome, int]]) -> str:
    shown = [f"{number} of {one.white} at {format_strength(one.strength)}" for one, number in broken]
    return " and ".join(shown) + " among the images that survive all PGD attacks there"

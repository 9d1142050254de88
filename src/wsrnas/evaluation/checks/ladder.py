"""The curve over strengths: it has to fall, and to end at nothing."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from wsrnas.attacks import PGD
from wsrnas.evaluation.checks.attacking import Attacks
from wsrnas.evaluation.checks.samples import enough
from wsrnas.evaluation.checks.verdict import Finding, found, skipped
from wsrnas.evaluation.statistics import mcnemar, wilson_interval
from wsrnas.types import format_strength

LADDER = (2 / 255, 8 / 255, 0.06, 0.12, 0.25, 0.5, 1.0)
CURVE_CHECKS = ("accuracy-rises-with-strength", "flat-curve", "above-chance-at-half", "not-broken-at-one")
_RISE, _LOST, _BEGUN = 0.03, 0.15, 0.85
_FEWEST = 8


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Which images are right without noise and at every strength of the ladder."""

    strengths: list[float]
    clean: Tensor
    right: list[Tensor]

    @property
    def accuracy(self) -> list[float]:
        """Clean accuracy, then one value per strength."""
        return [float(right.double().mean()) for right in (self.clean, *self.right)]

    def shown(self) -> str:
        """Return the curve in words."""
        pairs = zip([0.0, *self.strengths], self.accuracy)
        return "PGD-10 accuracy " + ", ".join(f"{format_strength(s)}: {100 * a:.0f} %" for s, a in pairs)

    def middle(self) -> float:
        """Return the strength, of those below a half, that leaves nearest to 70 % of the clean accuracy."""
        accuracy = self.accuracy
        inner = list(zip(self.strengths[:-2], accuracy[1:-2]))
        return min(inner, key=lambda pair: abs(pair[1] - 0.7 * accuracy[0]))[0]

    def late(self) -> float:
        """Return the largest strength below a half that leaves `_FEWEST` images or a tenth of the right ones right.

        A model that hides its gradients cannot look weaker than it is there: attacks have all the room they want.
        """
        least = min(_FEWEST, 0.1 * int(self.clean.sum()))
        enough = [s for s, right in zip(self.strengths[:-2], self.right) if int(right.sum()) >= max(least, 1)]
        return enough[-1] if enough else self.strengths[0]


def curve(attacks: Attacks) -> Curve:
    """Attack all images at every strength of the ladder."""
    subject = attacks.subject
    every = torch.arange(len(subject.labels))
    strengths = [step * attacks.scale for step in LADDER]
    clean = attacks.right(subject.images, every)
    right = []
    for strength in strengths:
        attack = PGD(eps=strength, norm=subject.norm, steps=10, keep="best")
        right.append(attacks.right(attacks.adversarial(attack, every), every))
    return Curve(strengths=strengths, clean=clean, right=right)


def judged(attacks: Attacks, one: Curve) -> list[Finding]:
    """Judge the form of the curve."""
    subject, count = attacks.subject, max(len(one.clean), 1)
    rises = any(
        int(after.sum()) - int(before.sum()) > _RISE * count
        and mcnemar(int((after & ~before).sum()), int((before & ~after).sum())) < 0.01
        for before, after in itertools.pairwise(one.right)
    )
    majority = float(subject.labels.bincount().max()) / count
    findings = [
        found("accuracy-rises-with-strength", rises, one.shown()),
        found("flat-curve", *_flat(one, majority)),
    ]
    if subject.norm != "Linf":
        return findings + skipped(CURVE_CHECKS[2:], "defined for Linf")
    low, _ = wilson_interval(int(one.right[-2].sum()), count)
    half, whole, unbroken = one.accuracy[-2], one.accuracy[-1], int(one.right[-1].sum())
    return [
        *findings,
        found("above-chance-at-half", low > majority, f"{100 * half:.1f} % right, chance {100 * majority:.1f} %"),
        found("not-broken-at-one", enough(unbroken, count, 0.05) and unbroken > 1, f"{100 * whole:.1f} % right"),
    ]


def _flat(one: Curve, majority: float) -> tuple[bool, str]:
    """Whether twice the strength or more breaks next to nothing, half way down and above chance.

    Flat: of the images still right at a strength from which the curve has fallen to `_BEGUN` of clean accuracy, the
    next strength surely (95 %) breaks fewer than `_LOST`, and what is left is surely more than guessing.
    """
    clean, worst, where = int(one.clean.sum()), 1.0, "no stretch half way down to judge"
    flagged = False
    for first, second, strength, farther in zip(one.right[:-2], one.right[1:-1], one.strengths, one.strengths[1:]):
        before, after = int(first.sum()), int(second.sum())
        low, _ = wilson_interval(after, len(second))
        if farther < 1.9 * strength or before == 0 or before > _BEGUN * clean or low <= majority:
            continue
        lost = max(before - after, 0) / before
        if lost < worst:
            worst = lost
            stretch = f"from {format_strength(strength)} to {format_strength(farther)}"
            where = f"{100 * lost:.0f} % of {before} images are lost {stretch}"
        flagged |= wilson_interval(max(before - after, 0), before)[1] < _LOST
    return flagged, where

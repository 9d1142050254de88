"""Checks of the gradient that attacks will follow, without running one."""

from __future__ import annotations

import torch
from torch import Tensor

from wsrnas.attacks.objectives import cross_entropy, margin
from wsrnas.evaluation.checks.boundary import BOUNDARY_CHECKS, boundary
from wsrnas.evaluation.checks.samples import surely
from wsrnas.evaluation.checks.slopes import along, input_gradient, over_scales, unexplained
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.evaluation.checks.verdict import Finding, found, skipped
from wsrnas.rng import stream
from wsrnas.types import Images, Labels, Logits

GRADIENT_CHECKS = ("nan-gradient", "zero-gradient", "vanishing-gradients", "gradient-shattering", *BOUNDARY_CHECKS)
_NOTHING = 1e-33
"""Below this a float32 gradient is on its way to zero and signs are lost; honest overconfident models stay above."""
_FEW = 32
_BLIND = "no gradient of the logits with respect to the images"


def gradients(subject: Subject, logits: Logits) -> list[Finding]:
    """Look at gradients of loss and margin at the images, around them, and where the decision changes."""
    right = (logits.argmax(1) == subject.labels).nonzero().flatten()
    rows = right if len(right) >= 8 else torch.arange(len(subject.labels))
    images, labels = subject.images[rows], subject.labels[rows]
    places, classes = _places(subject, images, labels)
    staircase, evidence = _staircase(subject, places)
    raw = [input_gradient(subject, images, labels, loss, mended=False) for loss in (cross_entropy, margin)]
    if raw[0] is None or raw[1] is None:
        shattered = found("gradient-shattering", staircase, evidence)
        return [
            found("non-differentiable", True, _BLIND),
            *skipped(("nan-gradient", "zero-gradient", "vanishing-gradients"), _BLIND),
            shattered,
            *boundary(subject, places).findings,
        ]
    broken = ~(torch.isfinite(raw[0]) & torch.isfinite(raw[1])).flatten(1).all(1)
    by_loss, by_margin = (torch.nan_to_num(one, nan=0.0) for one in raw if one is not None)
    size, margin_size = by_loss.abs().flatten(1).amax(1), by_margin.abs().flatten(1).amax(1)
    none, margin_none = size <= _NOTHING, margin_size <= _NOTHING
    no_loss, no_margin = float(none.double().mean()), float(margin_none.double().mean())
    gap = float(margin(logits[rows], labels).abs().median())
    blocked = no_margin > 0.5 and _moves(subject, images)
    at_boundary = boundary(subject, places)
    false, told = _foretells(subject, places, classes) if no_margin < 0.5 else (False, "gradient is zero")
    return [
        found("nan-gradient", bool(broken.any()), f"NaN or infinite at {100 * float(broken.double().mean()):.0f} % of "
              f"images"),
        found("non-differentiable", blocked, f"the margin's gradient is zero at {100 * no_margin:.0f} % of images"
              + (", though larger changes of the image move the logits" if blocked else "")),
        found("zero-gradient", surely(none | margin_none, 0.02), f"zero at {100 * no_loss:.1f} % (loss) and "
              f"{100 * no_margin:.1f} % (margin) of images; median size {float(size.median()):.3g}"),
        found("vanishing-gradients", (surely(none, 0.02) and no_margin < no_loss / 2) or gap < 1e-4,
              f"median loss gradient {float(size.median()):.3g}, margin gradient {float(margin_size.median()):.3g}, "
              f"median margin {gap:.3g}"),
        found("gradient-shattering", staircase or false or at_boundary.false,
              f"{evidence}; {told}; {at_boundary.evidence}"),
        *at_boundary.findings,
    ]  # fmt: skip


def _places(subject: Subject, images: Images, labels: Labels) -> tuple[Tensor, Tensor]:
    """Return the images themselves or, where they are few, points around them as well, with predicted classes."""
    if len(images) >= _FEW:
        return images, labels
    around = subject.points(_FEW - len(images), "around few images", spread=0.05)
    return torch.cat([images, around]), torch.cat([labels, subject.logits(around).argmax(1)])


def _foretells(subject: Subject, images: Images, classes: Labels) -> tuple[bool, str]:
    gradient = input_gradient(subject, images, classes, margin)
    if gradient is None:
        return False, _BLIND
    tried = (
        along(subject, images, classes, gradient),
        unexplained(subject, images, classes, gradient, "at the images"),
        over_scales(subject, images, classes),
    )
    return any(flagged for flagged, _ in tried), "; ".join(evidence for _, evidence in tried)


def _generic(subject: Subject, images: Images) -> Images:
    """Move images off any grid of levels they may sit on."""
    generator = stream(subject.seed, "generic")
    return (0.02 + 0.96 * images + 0.03 * (torch.rand(images.shape, generator=generator) - 0.5)).clamp(0, 1)


def _staircase(subject: Subject, images: Images) -> tuple[bool, str]:
    """Whether moving four pixels by 5e-5 leaves the logits exactly as they are, at points off any grid of levels."""
    start = _generic(subject, images)
    height, width = images.shape[2:]
    moved = start.clone()
    top, left = height // 2 - 1, width // 2 - 1
    moved[:, :, max(top, 0) : top + 2, max(left, 0) : left + 2] += 5e-5
    same = float((subject.logits(start) == subject.logits(moved)).all(1).double().mean())
    evidence = f"{100 * same:.0f} % of logits stand exactly still under a change of 5e-5 in the centre"
    return same > 0.6 and _moves(subject, images), evidence


def _moves(subject: Subject, images: Images) -> bool:
    generator = stream(subject.seed, "large change")
    noise = 0.5 * (torch.rand(images.shape, generator=generator) - 0.5)
    before, after = subject.logits(images), subject.logits((images + noise).clamp(0, 1))
    return float((before != after).any(1).double().mean()) > 0.5


def broken_in_use(subject: Subject, findings: list[Finding]) -> list[Finding]:
    """Flag NaN gradients that came up only later, at attacked images."""
    if not subject.guard.broken_gradients or any(
        one.name == "nan-gradient" and one.state == "flag" for one in findings
    ):
        return findings
    late = found("nan-gradient", True, "finite at the images, NaN or infinite at images on the way of an attack")
    return [late if one.name == "nan-gradient" else one for one in findings]

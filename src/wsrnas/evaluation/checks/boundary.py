"""What happens where the decision changes: on the way from one image to another of a different class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wsrnas.attacks.objectives import margin
from wsrnas.evaluation.checks.slopes import input_gradient, unexplained
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.evaluation.checks.verdict import Finding, found, skipped
from wsrnas.rng import stream
from wsrnas.types import Images, Labels

BOUNDARY_CHECKS = ("decision-jumps", "faint-gradient")
_HALVINGS = 18
_JUMP, _FAINT = 0.1, 12.0
_FEWEST = 8


@dataclass(frozen=True, kw_only=True)
class Crossings:
    """Starts, their predicted classes, and the last point of that class and the first of another on a way elsewhere."""

    starts: Images
    classes: Labels
    before: Images
    after: Images


def crossings(subject: Subject, starts: Images) -> Crossings | None:
    """Bisect ways between points of different predicted classes; None where one class is predicted everywhere."""
    generator = stream(subject.seed, "boundary")
    noise = torch.rand((16, *starts.shape[1:]), generator=generator)
    ends = torch.cat([starts, noise])
    classes, end_classes = subject.logits(starts).argmax(1), subject.logits(ends).argmax(1)
    differ = classes[:, None] != end_classes[None]
    rows = differ.any(1).nonzero().flatten()
    if len(rows) < _FEWEST:
        return None
    chosen = (differ[rows] * torch.rand(len(rows), len(ends), generator=generator)).argmax(1)
    starts, classes = starts[rows], classes[rows]
    low, high = torch.zeros(len(rows), 1, 1, 1), torch.ones(len(rows), 1, 1, 1)
    way = ends[chosen] - starts
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        stays = (subject.logits(starts + middle * way).argmax(1) == classes)[:, None, None, None]
        low, high = torch.where(stays, middle, low), torch.where(stays, high, middle)
    return Crossings(starts=starts, classes=classes, before=starts + low * way, after=starts + high * way)


@dataclass(frozen=True, kw_only=True)
class AtBoundary:
    """Findings of `BOUNDARY_CHECKS`, and whether the gradient there says other things than the margin does."""

    findings: list[Finding]
    false: bool = False
    evidence: str


def boundary(subject: Subject, starts: Images) -> AtBoundary:
    """Look for jumps of the decision and for gradients too faint to lead to it."""
    one = crossings(subject, starts)
    if one is None:
        why = "one class is predicted nearly everywhere, so no decision changes"
        return AtBoundary(findings=skipped(BOUNDARY_CHECKS, why), evidence=why)
    at_start, before, after = (margin(subject.logits(x), one.classes) for x in (one.starts, one.before, one.after))
    usual = float(at_start.abs().median()) + 1e-12
    jumps = float(((after - before) / usual > _JUMP).double().mean())
    evidence = (
        f"{100 * jumps:.0f} % of {len(one.starts)} ways to another class end in a jump of the margin; the median step "
        f"is {float((after - before).median()) / usual:.2g} of the usual margin"
    )
    findings = [found("decision-jumps", jumps > 0.5, evidence)]
    gradient = input_gradient(subject, one.starts, one.classes, margin)
    if gradient is None:
        why = "no gradient of the logits with respect to the images"
        return AtBoundary(findings=[*findings, *skipped(BOUNDARY_CHECKS[1:], why)], evidence=why)
    faint, said = _faint(one, at_start, gradient)
    near = input_gradient(subject, one.before, one.classes, margin)
    false, told = (False, "") if near is None else unexplained(subject, one.before, one.classes, near, "boundary")
    findings.append(found("faint-gradient", faint, said))
    return AtBoundary(findings=findings, false=false, evidence=f"at the boundary {told}")


def _faint(one: Crossings, margins: Tensor, gradient: Tensor) -> tuple[bool, str]:
    """Compare the margin with what a gradient of that length could lose on a way as long as the one that lost it.

    A linear margin would need ‖x_b − x‖ ≥ |m(x)|/‖∇m(x)‖₂ to reach the boundary at x_b.
    """
    length = (one.before - one.starts).flatten(1).norm(dim=1)
    explained = gradient.flatten(1).norm(dim=1) * length
    times = (margins.abs() / explained.clamp_min(1e-30)).median()
    shown = f"{float(times):.2g}" if times < 1e6 else "over a million"
    return bool(times > _FAINT), f"margins are {shown} times what their gradients explain on the way to the boundary"

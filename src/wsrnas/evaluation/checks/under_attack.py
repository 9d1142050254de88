"""The checks that attack: whether they can be run at all, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import nn

from wsrnas.errors import InputError
from wsrnas.evaluation.checks.attacking import Attacks
from wsrnas.evaluation.checks.close import CLOSE_CHECKS, closely
from wsrnas.evaluation.checks.ladder import CURVE_CHECKS, curve, judged
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.evaluation.checks.verdict import Finding, skipped
from wsrnas.types import Images


def under_attack(
    subject: Subject,
    findings: Sequence[Finding],
    attacked: int,
    others: Sequence[nn.Module],
    advance: Callable[[str], object],
) -> tuple[list[Finding], Images]:
    """Return what attacks found, and images attacked on the way."""
    flags = {one.name for one in findings if one.state == "flag"}
    names, reason = (*CURVE_CHECKS, *CLOSE_CHECKS), _why_not(flags) if attacked > 0 else "left out (attacked=0)"
    if reason:
        return skipped(names, reason), subject.images
    attacks = Attacks(replace(subject, images=subject.images[:attacked], labels=subject.labels[:attacked]))
    try:
        one = curve(attacks)
        advance("curve")
        if not bool(one.clean.any()):
            return [*judged(attacks, one), *skipped(CLOSE_CHECKS, "no attacked image is right")], subject.images
        close, moved = closely(attacks, one, others)
        advance("attacks")
    except InputError as error:
        return skipped(names, str(error)), subject.images
    return [*judged(attacks, one), *close], moved


def _why_not(flags: set[str]) -> str:
    if "random-output" in flags:
        return "outputs are random, so attacks cannot be compared"
    if "constant-classifier" in flags:
        return "the model is constant"
    if "non-differentiable" in flags and "zero-gradient" not in flags:
        return "there is no gradient to attack with"
    return ""

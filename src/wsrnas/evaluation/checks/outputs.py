"""Checks that need forward passes only: what goes in and what comes out."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from wsrnas.evaluation.checks.subject import Affine, Dress, Subject
from wsrnas.evaluation.checks.verdict import Finding, found
from wsrnas.evaluation.statistics import mcnemar, wilson_interval
from wsrnas.evaluation.under_test.probe import looks_like_probabilities
from wsrnas.rng import stream
from wsrnas.types import Labels, Logits

_SIGNIFICANT = 0.01
_FEW, _MANY = 16, 100
_SATURATED = 100.0
"""Margin from which float32 has no gradient of the cross-entropy left: exp(−103) is its smallest number."""


def output_form(logits: Logits, around: Tensor) -> list[Finding]:
    """Look at the logits of the images: probabilities (those of points around them as well), saturated values."""
    sums = logits.sum(1)
    margin = float(_margins(logits).median())
    top, bottom = logits.max(), logits.min()
    at_top = float((logits.amax(1) == top).double().mean())
    at_bottom = float((logits.amin(1) == bottom).double().mean())
    flat = len(logits) >= 8 and at_top > 0.25 and at_bottom > 0.25 and float(top) > float(bottom)
    evidence = (
        f"median margin {margin:.3g}; {100 * at_top:.0f} % of images reach the largest logit {float(top):.4g} exactly"
    )
    probable = looks_like_probabilities(torch.cat([logits, around]))
    return [
        found("softmax-output", probable, f"outputs in [{float(bottom):.3g}, {float(top):.3g}], rows sum to "
              f"{float(sums.min()):.4g} .. {float(sums.max()):.4g}"),
        found("saturated-logits", margin > _SATURATED or flat, evidence),
    ]  # fmt: skip


def usefulness(subject: Subject, logits: Logits) -> list[Finding]:
    """Whether anything is classified at all."""
    labels, classes = subject.labels, logits.shape[1]
    noise = torch.rand((64, *subject.images.shape[1:]), generator=stream(subject.seed, "noise images"))
    grey = torch.linspace(0, 1, 5).reshape(5, 1, 1, 1).expand(5, *subject.images.shape[1:])
    elsewhere = torch.cat([noise, noise.round(), subject.points(64, "usefulness", spread=1.0), grey])
    used = torch.cat([logits, subject.logits(elsewhere)]).argmax(1).unique().numel()
    right, count = int((logits.argmax(1) == labels).sum()), len(labels)
    majority = float(labels.bincount().max()) / count
    shown = f"clean accuracy {100 * right / count:.1f} %, most frequent class {100 * majority:.1f} %"
    several = labels.unique().numel() > 1
    return [
        found("constant-classifier", used == 1, f"{used} of {classes} classes predicted on images, noise and grey"),
        found("no-better-than-chance", _useless(right, count, majority if several else 0.0), shown),
    ]


def _useless(right: int, count: int, majority: float) -> bool:
    """Tell whether accuracy is no better than guessing: surely not above it or, among few images, not above it at all.

    Fewer than 16 images can only say that none is right, and fewer than 8 say nothing.
    """
    if count < _FEW:
        return right == 0 and count >= _FEW // 2
    if right == count or count < _MANY:
        return right / count <= majority
    return right == 0 or wilson_interval(right, count)[0] <= majority


def wanted_pixels(subject: Subject) -> tuple[Dress | None, list[Finding]]:
    """Whether the model does clearly better on 0..255 or normalised pixels; returns what maps [0,1] to them, or None.

    Clearly: the mapping mends at least half of the errors. A weak model may gain a little by any change of contrast.
    """
    images, labels = subject.images, subject.labels
    ones = torch.ones(images.shape[1])
    candidates: dict[str, tuple[Tensor, Tensor]] = {"0..255": (255 * ones, 0 * ones), "[-1,1]": (2 * ones, -ones)}
    flat = images.transpose(0, 1).flatten(1)
    mean, std = flat.mean(1), flat.std(1).clamp_min(1e-3)
    candidates["standardised"] = (1 / std, -mean / std)
    plain = _right(subject.logits(images), labels)
    best, best_name, best_dress = plain, "", None
    for name, (scale, shift) in candidates.items():
        right = _right(subject.logits(images * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)), labels)
        if int(right.sum()) > int(best.sum()):
            best, best_name, best_dress = right, name, partial(Affine, scale=scale, shift=shift)
    before, after = float(plain.double().mean()), float(best.double().mean())
    chance = mcnemar(int((best & ~plain).sum()), int((plain & ~best).sum()))
    sure = after - before > 0.1 and 1 - after < (1 - before) / 2 and chance < _SIGNIFICANT
    score = f"accuracy {100 * before:.1f} % on [0,1]"
    if best_name:
        score += f", {100 * after:.1f} % on {best_name} pixels"
    return (best_dress if sure else None), [
        found("input-0-255", sure and best_name == "0..255", score),
        found("normalisation-outside-model", sure and best_name != "0..255", score),
    ]


def _right(logits: Logits, labels: Labels) -> Tensor:
    return logits.argmax(1) == labels


def _margins(logits: Logits) -> Tensor:
    top = logits.topk(2, dim=1).values
    return top[:, 0] - top[:, 1]

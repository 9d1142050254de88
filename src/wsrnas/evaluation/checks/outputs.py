"""Checks that need forward passes only: what goes in, what comes out, and whether it is the same twice."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.evaluation.checks.subject import Affine, Subject, refuses_gradients
from wsrnas.evaluation.checks.verdict import Finding, found, skipped
from wsrnas.evaluation.checks.watch import Watch, train_mode_layers
from wsrnas.evaluation.lock import digests
from wsrnas.evaluation.statistics import mcnemar, wilson_interval
from wsrnas.rng import stream
from wsrnas.types import Labels

_SIGNIFICANT = 0.01
_REPEATS = 8
"""A model that draws one of five sizes at each call draws the same in all of them once in 400,000 times."""


def stability(subject: Subject) -> list[Finding]:
    """Classify the same images several times, as the model was handed over."""
    images = subject.images[:64]
    dropout, norms = train_mode_layers(subject.model)
    with subject.as_is():
        before = digests(subject.model)
        with Watch() as watch:
            first = subject.logits(images)
        changed = sorted(name for name, value in digests(subject.model).items() if before.get(name) != value)
    with subject.as_is():
        again = [subject.logits(images) for _ in range(_REPEATS)]
    with subject.as_is():
        order = torch.randperm(len(images), generator=stream(subject.seed, "order"))
        sizes = max(2, len(images) // 4)
        shuffled = torch.empty_like(first)
        shuffled[order] = subject.logits(images[order], batch_size=sizes)
    unit = float(first.std()) + 1e-12
    spread = max(float((first - other).abs().max()) for other in again) / unit
    apart = float((first - shuffled).abs().max()) / unit
    random = spread > 1e-4
    aware = _change_under_gradients(subject, first, unit)
    if aware is None:
        unseen = skipped(("gradient-aware",), "the model refuses images that ask for a gradient")
    else:
        evidence = f"logits differ by {aware:.2g} of their spread when a gradient is asked for"
        unseen = [found("gradient-aware", aware > 1e-3 and not random, evidence)]
    statistics = bool(norms) or watch.batch_statistics
    drawn = ", ".join(sorted(set(watch.random)))
    return [
        found("random-output", random, f"logits differ by {spread:.2g} of their spread between identical calls"),
        found(
            "noise-at-inference",
            bool(watch.random) or (random and not dropout and not watch.dropout),
            f"random functions called: {drawn}"
            if drawn
            else f"no random function seen, outputs differ by {spread:.2g}",
        ),
        found("dropout-on", bool(dropout) or watch.dropout, _layers(dropout, watch.dropout, "dropout")),
        found("batchnorm-train-mode", statistics, _layers(norms, watch.batch_statistics, "BatchNorm")),
        found(
            "batch-dependent",
            apart > 1e-3 and not random,
            f"logits differ by {apart:.2g} of their spread when the batch is shuffled and cut",
        ),
        *unseen,
        found("state-changed", bool(changed), f"changed by a forward pass: {', '.join(changed[:3]) or 'nothing'}"),
        found(
            "test-time-optimisation",
            watch.gradients,
            "gradients are taken inside the forward pass"
            if watch.gradients
            else "no gradients inside the forward pass",
        ),
    ]


def _change_under_gradients(subject: Subject, first: Tensor, unit: float) -> float | None:
    """Return how far logits move when a gradient is asked for; None where the model cannot be asked, as with numpy."""
    try:
        with subject.as_is(), torch.enable_grad():
            leaf = subject.images[: subject.batch_size].to(subject.device).requires_grad_(True)
            watched = subject.model(leaf).detach().float().cpu()
    except RuntimeError as error:
        if not refuses_gradients(error):
            raise
        return None
    return float((first[: len(watched)] - watched).abs().max()) / unit


def _layers(names: list[str], seen: bool, kind: str) -> str:
    if names:
        return f"{len(names)} {kind} layers are in train mode ({', '.join(names[:3])})"
    return f"the forward pass calls {kind} in train mode itself" if seen else f"no active {kind}"


def output_form(logits: Tensor) -> list[Finding]:
    """Look at the logits: probabilities, saturated values."""
    sums = logits.sum(1)
    softmax = bool((logits >= -1e-6).all()) and bool((logits <= 1 + 1e-6).all())
    margin = float(_margins(logits).median())
    top, bottom = logits.max(), logits.min()
    at_top = float((logits.amax(1) == top).double().mean())
    at_bottom = float((logits.amin(1) == bottom).double().mean())
    flat = len(logits) >= 8 and at_top > 0.25 and at_bottom > 0.25 and float(top) > float(bottom)
    evidence = (
        f"median margin {margin:.3g}; {100 * at_top:.0f} % of images reach the largest logit {float(top):.4g} exactly"
    )
    return [
        found("softmax-output", softmax, f"outputs in [{float(bottom):.3g}, {float(top):.3g}], rows sum to "
              f"{float(sums.min()):.4g} .. {float(sums.max()):.4g}"),
        found("saturated-logits", margin > 60 or flat, evidence),
    ]  # fmt: skip


def usefulness(subject: Subject, logits: Tensor) -> list[Finding]:
    """Whether anything is classified at all."""
    labels, classes = subject.labels, logits.shape[1]
    noise = torch.rand(subject.images[:64].shape, generator=stream(subject.seed, "noise images"))
    grey = torch.linspace(0, 1, 5).reshape(5, 1, 1, 1).expand(5, *subject.images.shape[1:])
    predictions = torch.cat([logits, subject.logits(torch.cat([noise, grey]))]).argmax(1)
    used = predictions.unique().numel()
    right = int((logits.argmax(1) == labels).sum())
    majority = float(labels.bincount().max()) / len(labels)
    low, _ = wilson_interval(right, len(labels))
    several = labels.unique().numel() > 1
    return [
        found("constant-classifier", used == 1, f"{used} of {classes} classes predicted on images, noise and grey"),
        found(
            "no-better-than-chance",
            several and low <= majority and right < len(labels),
            f"clean accuracy {100 * right / len(labels):.1f} %, most frequent class {100 * majority:.1f} %",
        ),
    ]


def wanted_pixels(subject: Subject) -> tuple[nn.Module, list[Finding]]:
    """Whether the model does clearly better on 0..255 or normalised pixels; returns the model behind that mapping."""
    images, labels = subject.images, subject.labels
    channels = images.shape[1]
    ones = torch.ones(channels)
    candidates: dict[str, tuple[Tensor, Tensor]] = {"0..255": (255 * ones, 0 * ones), "[-1,1]": (2 * ones, -ones)}
    flat = images.transpose(0, 1).flatten(1)
    mean, std = flat.mean(1), flat.std(1).clamp_min(1e-3)
    candidates["standardised"] = (1 / std, -mean / std)
    plain = _right(subject.logits(images), labels)
    best, best_name, best_model = plain, "", subject.model
    for name, (scale, shift) in candidates.items():
        model = Affine(subject.model, scale.to(subject.device), shift.to(subject.device))
        scaled = images * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)
        right = _right(subject.logits(scaled), labels)
        if int(right.sum()) > int(best.sum()):
            best, best_name, best_model = right, name, model
    gain = float(best.double().mean() - plain.double().mean())
    chance = mcnemar(int((best & ~plain).sum()), int((plain & ~best).sum()))
    sure = gain > 0.1 and chance < _SIGNIFICANT
    score = f"accuracy {100 * float(plain.double().mean()):.1f} % on [0,1]"
    if best_name:
        score += f", {100 * float(best.double().mean()):.1f} % on {best_name} pixels"
    return (best_model if sure else subject.model), [
        found("input-0-255", sure and best_name == "0..255", score),
        found("normalisation-outside-model", sure and best_name != "0..255", score),
    ]


def given_pixels(model: nn.Module, images: Any) -> tuple[nn.Module, Tensor, list[Finding]]:
    """Where images were handed over outside [0,1], map them there and put the way back before the model."""
    images = images.detach().float()
    low, high = images.amin((0, 2, 3)), images.amax((0, 2, 3))
    least, most = float(low.min()), float(high.max())
    evidence = f"pixels in [{least:.4g}, {most:.4g}]"
    if least >= -1e-6 and most <= 1 + 1e-6:
        return model, images.clamp(0, 1), []
    if least >= -1e-6 and most > 2:
        scale = torch.full_like(high, 255.0) if most <= 255 else high.max().expand_as(high)
        moved = Affine(model, scale, torch.zeros_like(scale))
        return moved, images / scale.reshape(1, -1, 1, 1), [found("input-0-255", True, f"{evidence} were handed over")]
    scale = (high - low).clamp_min(1e-6)
    moved = Affine(model, scale, low)
    plain = ((images - low.reshape(1, -1, 1, 1)) / scale.reshape(1, -1, 1, 1)).clamp(0, 1)
    return moved, plain, [found("normalisation-outside-model", True, f"{evidence} were handed over")]


def _right(logits: Tensor, labels: Labels) -> Tensor:
    return logits.argmax(1) == labels


def _margins(logits: Tensor) -> Tensor:
    top = logits.topk(2, dim=1).values
    return top[:, 0] - top[:, 1]

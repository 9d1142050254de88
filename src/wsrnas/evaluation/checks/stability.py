"""Whether the model says the same twice: called again, in other batches, in another order, asked for a gradient."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from wsrnas.attacks.victim import refuses_gradients, trainable
from wsrnas.errors import InputError
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.evaluation.checks.verdict import Finding, found, skipped
from wsrnas.evaluation.checks.watch import Watch, train_mode_layers
from wsrnas.evaluation.under_test.lock import digests
from wsrnas.rng import stream
from wsrnas.types import Images, Logits

_REPEATS, _SHORT_REPEATS = 8, 56
"""A model that draws one of five sizes at each call draws the same in all eight once in 400,000 times; many short calls
more find one that does something else every fiftieth time."""
_RANDOM, _OTHER = 1e-4, 0.01
"""Differences, in units of the spread of all logits, between identical calls and between unlike ones."""
SIZES = (1, 2, 3, 5, 16, 25, 50, 64, 65, 100, 101, 127, 128, 129, 200, 250, 256, 257, 512)
"""Batches that models are tried with, those of evaluations among them."""
_MOST_VALUES = 2e7
"""A batch larger than this many pixel values is not tried, so that large images need no more memory than usual."""


def stability(subject: Subject, points: Images) -> list[Finding]:
    """Classify the same points several times, as the model was handed over."""
    dropout, norms = train_mode_layers(subject.model)
    with subject.as_is():
        before = digests(subject.model)
        with Watch() as watch:
            first = subject.logits(points)
        changed = sorted(name for name, value in digests(subject.model).items() if before.get(name) != value)
    with subject.as_is():
        again = [subject.logits(points) for _ in range(_REPEATS)]
        short = [subject.logits(points[:4]) for _ in range(_SHORT_REPEATS)]
    unit = float(first.std()) + 1e-12
    spread = max(*(_apart(first, other) for other in again), *(_apart(short[0], other) for other in short[1:])) / unit
    random = spread > _RANDOM
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
        found(
            "batchnorm-train-mode",
            bool(norms) or watch.batch_statistics,
            _layers(norms, watch.batch_statistics, "BatchNorm"),
        ),
        *_batches(subject, points, unit, random=random),
        *_gradients_asked_for(subject, points, first, unit, random=random),
        found("state-changed", bool(changed), f"changed by a forward pass: {', '.join(changed[:3]) or 'nothing'}"),
        found("changes-its-input", *_in_place(subject, points)),
        found(
            "test-time-optimisation",
            watch.gradients,
            "gradients are taken inside the forward pass"
            if watch.gradients
            else "no gradients inside the forward pass",
        ),
    ]


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one[: len(other)] - other).abs().max())


def _batches(subject: Subject, points: Images, unit: float, *, random: bool) -> list[Finding]:
    """Cut and order the same images otherwise, repeat some of them, and compare image by image."""
    if random:
        return skipped(("batch-dependent",), "outputs are random, so batches cannot be compared")
    pool = torch.cat([points, subject.points(max(SIZES), "batches")])
    with subject.as_is():
        alone = subject.logits(pool)
    worst, where, sizes = 0.0, "", []
    for name, rows in _cuts(len(pool), len(subject.images), subject.seed):
        if len(rows) * pool[0].numel() > _MOST_VALUES:
            continue
        sizes.append(len(rows))
        try:
            with subject.as_is():
                answers = subject.logits(pool[rows], batch_size=len(rows))
        except InputError as error:
            return [found("batch-dependent", True, f"the model fails on {name}: {error}")]
        apart = _apart(answers, alone[rows]) / unit
        if apart > worst:
            worst, where = apart, f", most in {name}"
    evidence = f"logits differ by {worst:.2g} of their spread between batches of {min(sizes)} to {max(sizes)}{where}"
    return [found("batch-dependent", worst > _OTHER, evidence)]


def _cuts(count: int, images: int, seed: int) -> Iterator[tuple[str, Tensor]]:
    """Yield batches by name: some of each size, the rests that 64 and 128 leave, other orders, repeated images."""
    generator = stream(seed, "cuts")
    for size in sorted({*SIZES, images % 64 or 64, images % 128 or 128, min(images, count)}):
        yield f"a batch of {size}", torch.arange(min(size, count))
    yield "another order", torch.randperm(64, generator=generator)
    yield "the reverse order", torch.arange(64).flip(0)
    yield "a batch that holds images twice", torch.arange(16).repeat(2)
    yield "a batch of one image many times", torch.full((20,), 3)


def _gradients_asked_for(
    subject: Subject, points: Images, first: Logits, unit: float, *, random: bool
) -> list[Finding]:
    """Ask with gradients switched on, for those of the images, and for those of the weights, which attacks freeze."""
    if random:
        return skipped(("gradient-aware",), "outputs are random, so answers cannot be compared")
    apart = 0.0
    for of_images, of_weights in ((False, False), (True, False), (False, True)):
        try:
            with subject.as_is(), torch.enable_grad():
                trainable(subject.model, of_weights)
                leaf = points[: subject.batch_size].to(subject.device).requires_grad_(of_images)
                watched = subject.model(leaf).detach().float().cpu()
        except RuntimeError as error:
            if not refuses_gradients(error):
                raise
            return skipped(("gradient-aware",), "the model refuses images that ask for a gradient")
        apart = max(apart, _apart(first, watched) / unit)
    evidence = f"logits differ by {apart:.2g} of their spread when a gradient of images or weights is asked for"
    return [found("gradient-aware", apart > _OTHER, evidence)]


@torch.no_grad()
def _in_place(subject: Subject, points: Images) -> tuple[bool, str]:
    """Hand the model itself, without the copy that guards its images, a batch, and look at the batch afterwards."""
    guarded = subject.copies.fresh()
    kept = points[:8].to(subject.device)
    batch = kept.clone()
    with subject.as_is():
        guarded.model(batch)
    changed = float((batch != kept).double().mean())
    return changed > 0, f"{100 * changed:.0f} % of the pixels handed over were changed"


def _layers(names: list[str], seen: bool, kind: str) -> str:
    if names:
        return f"{len(names)} {kind} layers are in train mode ({', '.join(names[:3])})"
    return f"the forward pass calls {kind} in train mode itself" if seen else f"no active {kind}"

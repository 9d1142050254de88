"""Checks of the gradient that attacks will follow, without running one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wsrnas.attacks.objectives import cross_entropy, margin
from wsrnas.evaluation.checks.subject import Subject, refuses_gradients
from wsrnas.evaluation.checks.verdict import Finding, found, skipped
from wsrnas.rng import stream
from wsrnas.types import Images, Labels

GRADIENT_CHECKS = ("zero-gradient", "vanishing-gradients", "gradient-shattering")
_NOTHING = 1e-25
"""Below this a float32 gradient is on its way to zero and signs are lost; honest overconfident models stay above."""


def gradients(subject: Subject, logits: Tensor) -> list[Finding]:
    """Look at the loss and margin gradients at the images that are classified correctly."""
    right = (logits.argmax(1) == subject.labels).nonzero().flatten()
    rows = right if len(right) >= 8 else torch.arange(len(subject.labels))
    images, labels = subject.images[rows], subject.labels[rows]
    staircase, evidence = _staircase(subject, images)
    by_loss = _gradient(subject, images, labels, cross_entropy)
    by_margin = _gradient(subject, images, labels, margin)
    if by_loss is None or by_margin is None:
        why = "no gradient of the logits with respect to the images"
        shattered = found("gradient-shattering", staircase, evidence)
        return [found("non-differentiable", True, why), *skipped(GRADIENT_CHECKS[:2], why), shattered]
    size, margin_size = by_loss.abs().flatten(1).amax(1), by_margin.abs().flatten(1).amax(1)
    no_loss = float((size <= _NOTHING).double().mean())
    no_margin = float((margin_size <= _NOTHING).double().mean())
    gap = float(margin(logits[rows], labels).abs().median())
    blocked = no_margin > 0.5 and _moves(subject, images)
    false, measured = False, "gradient is zero"
    if no_margin < 0.5:
        along, said = _slope(subject, images, labels, by_margin)
        across, told = _unexplained(subject, images, labels, by_margin)
        false, measured = along or across, f"{said}; {told}"
    return [
        found(
            "non-differentiable",
            blocked,
            f"the margin's gradient is zero at {100 * no_margin:.0f} % of images"
            + (", though larger changes of the image move the logits" if blocked else ""),
        ),
        found("zero-gradient", max(no_loss, no_margin) > 0.02, f"zero at {100 * no_loss:.1f} % (loss) and "
              f"{100 * no_margin:.1f} % (margin) of images; median size {float(size.median()):.3g}"),
        found(
            "vanishing-gradients",
            (no_loss > 0.02 and no_margin < no_loss / 2) or gap < 1e-4,
            f"median loss gradient {float(size.median()):.3g}, margin gradient {float(margin_size.median()):.3g}, "
            f"median margin {gap:.3g}",
        ),
        found("gradient-shattering", staircase or false, f"{evidence}; {measured}"),
    ]  # fmt: skip


def _gradient(
    subject: Subject, images: Images, labels: Labels, loss: Callable[[Tensor, Tensor], Tensor]
) -> Tensor | None:
    parts = []
    for batch, classes in zip(images.split(subject.batch_size), labels.split(subject.batch_size)):
        leaf = batch.to(subject.device).requires_grad_(True)
        with torch.enable_grad():
            try:
                losses = loss(subject.model(leaf).float(), classes.to(subject.device))
            except RuntimeError as error:
                if not refuses_gradients(error):
                    raise
                return None
            if not losses.requires_grad:
                return None
            (gradient,) = torch.autograd.grad(losses.sum(), leaf, allow_unused=True)
        if gradient is None:
            return None
        parts.append(gradient.cpu())
    return torch.cat(parts)


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


def _slope(subject: Subject, images: Images, labels: Labels, gradient: Tensor) -> tuple[bool, str]:
    """Compare how much the margin changes along the gradient's sign with what the gradient promises."""
    step = 2e-3 * gradient.sign()
    ahead, behind = (images + step).clamp(0, 1), (images - step).clamp(0, 1)
    promised = (gradient * (ahead - behind)).flatten(1).sum(1)
    change = margin(subject.logits(ahead), labels) - margin(subject.logits(behind), labels)
    usable = promised > 1e-5 * float(subject.logits(images).std())
    if int(usable.sum()) < 8:
        return False, "too few images with a usable gradient to compare it with finite differences"
    ratio = (change[usable] / promised[usable]).double()
    median = float(ratio.median())
    off = float(((ratio < 0.25) | (ratio > 4)).double().mean())
    return off > 0.5, f"the margin changes {median:.2f} times as much as its gradient says (median)"


def _unexplained(subject: Subject, images: Images, labels: Labels, gradient: Tensor) -> tuple[bool, str]:
    """Take small steps in random directions and see how much of the margin's change the gradient accounts for.

    Catches what `_slope` cannot: a gradient that is right but tiny, or right along some pixels and zero along others.
    """
    generator = stream(subject.seed, "directions")
    change, promised = [], []
    for _ in range(4):
        step = 2e-3 * (torch.randint(0, 2, images.shape, generator=generator) * 2 - 1).to(images)
        ahead, behind = (images + step).clamp(0, 1), (images - step).clamp(0, 1)
        change.append(margin(subject.logits(ahead), labels) - margin(subject.logits(behind), labels))
        promised.append((gradient * (ahead - behind)).flatten(1).sum(1))
    moved, said = torch.stack(change).double(), torch.stack(promised).double()
    felt = moved.abs().sum(0) > 1e-4 * float(subject.logits(images).std())
    if int(felt.sum()) < 8:
        return False, "random steps move too few margins to compare them with the gradient"
    left = ((moved - said).abs().sum(0) / moved.abs().sum(0))[felt]
    share = float(left.median())
    return share > 0.5, f"{100 * share:.0f} % of what random steps change is not in the gradient (median)"

"""Whether a gradient says how the margin changes: compared with differences over short and over longer steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from wsrnas.attacks.objectives import margin
from wsrnas.attacks.victim import refuses_gradients
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.rng import stream
from wsrnas.types import Images, Labels

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
SHORT = 2e-3
LONGER = (0.005, 0.01, 0.02)
_DIRECTIONS, _FEWEST = 4, 8
_FELT = 1e-4
"""A change smaller than this share of the spread of the logits is too near to rounding to be compared."""
_TINY = 1e-30


def input_gradient(
    subject: Subject, images: Images, classes: Labels, loss: Loss, *, mended: bool = True
) -> Tensor | None:
    """Return the gradient of each image's loss, on the CPU; None where the model gives none.

    Args:
        mended: NaN taken as 0 and infinity as the largest number, as attacks do; False leaves them.
    """
    model = subject.model if mended else subject.unmended()
    parts = []
    for batch, labels in zip(images.split(subject.batch_size), classes.split(subject.batch_size)):
        leaf = batch.to(subject.device).requires_grad_(True)
        with torch.enable_grad():
            try:
                losses = loss(model(leaf).float(), labels.to(subject.device))
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


def along(subject: Subject, images: Images, classes: Labels, gradient: Tensor) -> tuple[bool, str]:
    """Compare how much the margin changes along the gradient's sign with what the gradient promises."""
    step = SHORT * gradient.sign()
    ahead, behind = (images + step).clamp(0, 1), (images - step).clamp(0, 1)
    promised = (gradient * (ahead - behind)).flatten(1).sum(1)
    change = margin(subject.logits(ahead), classes) - margin(subject.logits(behind), classes)
    usable = promised > 1e-5 * float(subject.logits(images).std())
    if int(usable.sum()) < _FEWEST:
        return False, "too few images with a usable gradient to compare it with finite differences"
    ratio = (change[usable] / promised[usable]).double()
    off = float(((ratio < 0.25) | (ratio > 4)).double().mean())
    return off > 0.5, f"the margin changes {float(ratio.median()):.2f} times as much as its gradient says (median)"


def unexplained(subject: Subject, images: Images, classes: Labels, gradient: Tensor, purpose: str) -> tuple[bool, str]:
    """Take small steps in random directions and see how much of the margin's change the gradient accounts for.

    Catches what `along` cannot: a gradient that is right but tiny, or right along some pixels and zero along others.
    """
    said, moved = _changes(subject, images, classes, gradient, SHORT, purpose)
    felt = moved.abs().sum(0) > _FELT * float(subject.logits(images).std())
    if int(felt.sum()) < _FEWEST:
        return False, "random steps move too few margins to compare them with the gradient"
    left = ((moved - said).abs().sum(0) / moved.abs().sum(0))[felt]
    share = float(left.median())
    return share > 0.5, f"{100 * share:.0f} % of what random steps change is not in the gradient (median)"


def over_scales(subject: Subject, images: Images, classes: Labels) -> tuple[bool, str]:
    """Take longer steps in random directions, from pixels away from 0 and 1, and compare them with the gradient.

    On an honest network the gradient still foretells most of what random steps of 0.005 to 0.02 change: random steps
    leave the decision alone, so they meet little curvature. Behind an input map that oscillates, or with a ripple added
    to the logits, it foretells a multiple of what comes, or something else.
    """
    inner = 0.1 + 0.8 * images
    gradient = input_gradient(subject, inner, classes, margin)
    if gradient is None:
        return False, "no gradient for longer steps"
    worst, shown = 1.0, []
    for step in LONGER:
        said, moved = _changes(subject, inner, classes, gradient, step, f"step {step}")
        felt = moved.abs().sum(0) > _FELT * float(subject.logits(inner).std())
        if int(felt.sum()) < _FEWEST:
            continue
        said, moved = said[:, felt], moved[:, felt]
        agreement = (said * moved).sum(0) / (said.square().sum(0) * moved.square().sum(0)).sqrt().clamp_min(_TINY)
        size = (moved.square().sum(0) / said.square().sum(0).clamp_min(_TINY)).sqrt()
        worst = min(worst, float(agreement.median()), float(size.median()))
        shown.append(f"{float(agreement.median()):.2f} and {float(size.median()):.2f} at {step:g}")
    told = "agreement with the gradient over longer random steps, and their size by it: " + ", ".join(shown)
    return worst < _AGREES, told


_AGREES = 0.5


def _changes(
    subject: Subject, images: Images, classes: Labels, gradient: Tensor, step: float, purpose: str
) -> tuple[Tensor, Tensor]:
    """Return what the gradient says of random steps, and what the margin does, (directions, images) each."""
    generator = stream(subject.seed, "directions", purpose)
    change, promised = [], []
    for _ in range(_DIRECTIONS):
        noise = step * (torch.randint(0, 2, images.shape, generator=generator) * 2 - 1).to(images)
        ahead, behind = (images + noise).clamp(0, 1), (images - noise).clamp(0, 1)
        change.append(margin(subject.logits(ahead), classes) - margin(subject.logits(behind), classes))
        promised.append((gradient * (ahead - behind)).flatten(1).sum(1))
    return torch.stack(promised).double(), torch.stack(change).double()

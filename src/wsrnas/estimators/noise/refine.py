"""Improve estimates by gradient steps: each alone, or strength by strength outwards from the known ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from wsrnas.errors import refuse
from wsrnas.estimators.noise.base import NoiseEstimator, WantedNoises, project
from wsrnas.types import Images, Labels, Noises, Norm

REFINE_STEP = 0.3

Model: TypeAlias = Callable[[Tensor], Tensor]
"""Images in [0,1] to logits."""


def refine(
    model: Model,
    images: Images,
    labels: Labels,
    noise_hat: WantedNoises,
    strengths: Tensor,
    *,
    norm: Norm = "Linf",
    steps: int = 1,
    step_size: float = REFINE_STEP,
) -> WantedNoises:
    """Move estimates uphill on the cross-entropy: `steps` times δ̂ ← P(δ̂ + step_size·ε̂·sign ∇L(x+δ̂)).

    One step corrects an estimate where it is wrong; several make it the warm start of a short attack. Costs 2 network
    passes per image, strength and step. The model is used in the mode it is in; its parameters get no gradients.

    Args:
        model: images in [0,1] → logits.
        images: (B,C,H,W).
        labels: (B,).
        noise_hat: (B,N2,C,H,W).
        strengths: (N2,) or (B,N2), the radii of `noise_hat`.
        norm: the ball; under L2 the step is along the normalised gradient.
        steps: how many gradient steps.
        step_size: as a share of each strength; 0.2 to 0.4 do alike (docs/studies/estimators.md).
    """
    if steps < 1:
        refuse("steps", expected="at least one step", got=steps)
    radii = strengths.to(images).expand(noise_hat.shape[:2])
    columns = []
    for column in range(noise_hat.shape[1]):
        radius = radii[:, column : column + 1]
        noise = noise_hat[:, column]
        for _ in range(steps):
            moving = noise.detach().requires_grad_()
            with torch.enable_grad():
                loss = functional.cross_entropy(model(images + moving), labels, reduction="sum")
                (gradient,) = torch.autograd.grad(loss, moving)
            if norm == "Linf":
                direction = gradient.sign()
            else:
                direction = gradient / gradient.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
            moved = noise + step_size * radius[:, :, None, None] * direction
            noise = project(images, moved[:, None], radius, norm)[:, 0]
        columns.append(noise)
    return torch.stack(columns, dim=1)


def refine_outwards(
    estimator: NoiseEstimator,
    model: Model,
    images: Images,
    labels: Labels,
    known_noise: Noises,
    known_strengths: Tensor,
    wanted_strengths: Tensor,
    *,
    steps: int = 1,
    step_size: float = REFINE_STEP,
) -> WantedNoises:
    """Estimate and `refine` one strength after another, the one nearest to a known strength (in ratio) first.

    Every refined noise counts as known for the strengths further out: the estimate there starts from noise at a
    neighbouring strength, and has all its gradient steps behind it. Each strength is thus the warm start of the next,
    for the price of refining each alone: 2 network passes per image, wanted strength and step. 0 steps estimate only.

    Args:
        estimator: φ; it must take any number of known strengths, as all do.
        model: images in [0,1] → logits, used in the mode it is in; its parameters get no gradients.
        images: (B,C,H,W).
        labels: (B,).
        known_noise: (B,N1,C,H,W), real noises, strengths ascending.
        known_strengths: (N1,) ascending.
        wanted_strengths: (N2,), any order.
        steps: gradient steps at every wanted strength.
        step_size: as a share of each strength.

    Returns:
        (B,N2,C,H,W) in the order asked for, ‖δ̂‖ ≤ its wanted strength, x+δ̂ in [0,1].

    Not in the paper.
    """
    if steps == 0:
        with torch.no_grad():
            return estimator(images, known_noise, known_strengths, wanted_strengths)
    ratio = (wanted_strengths[:, None].log() - known_strengths[None, :].log()).abs().amin(dim=1)
    found: dict[int, Tensor] = {}
    for place in ratio.argsort(stable=True).tolist():
        wanted = wanted_strengths[place : place + 1]
        with torch.no_grad():
            noise_hat = estimator(images, known_noise, known_strengths, wanted)
        refined = refine(
            model, images, labels, noise_hat, wanted, norm=estimator.norm, steps=steps, step_size=step_size
        )
        found[place] = refined[:, 0]
        known_strengths, order = torch.cat([known_strengths, wanted]).sort(stable=True)
        known_noise = torch.cat([known_noise, refined], dim=1)[:, order]
    return torch.stack([found[place] for place in range(len(found))], dim=1)

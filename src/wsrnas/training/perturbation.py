"""Adversarial weight perturbation: training at the worst weights near the present ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from wsrnas.errors import refuse
from wsrnas.runtime.processes import all_sum_flat
from wsrnas.runtime.shares import weighted
from wsrnas.training.losses import AdversarialLoss, Attacked
from wsrnas.types import Images, Labels, Logits

TINY = 1e-20
"""Keeps the direction of a gradient that is zero everywhere at zero."""


@dataclass(frozen=True, kw_only=True)
class PerturbationConfig:
    """Adversarial weight perturbation (AWP).

    Args:
        gamma: length of the perturbation over the norm of each weight tensor, 0.005 to 0.01 in the paper; null for
            none.
        start: epochs trained without it first.
    """

    gamma: float | None = None
    start: int = 0

    def __post_init__(self) -> None:
        if self.gamma is not None and not (math.isfinite(self.gamma) and self.gamma > 0):
            refuse("awp.gamma", expected="a ratio > 0 such as 0.005, or null", got=self.gamma)
        if self.start < 0:
            refuse("awp.start", expected="epochs >= 0", got=self.start)

    def at(self, epoch: int) -> WeightPerturbation | None:
        """Return the perturbation of an epoch, counted from 0."""
        return None if self.gamma is None or epoch < self.start else WeightPerturbation(gamma=self.gamma)


@dataclass(frozen=True, kw_only=True)
class WeightPerturbation:
    """min_θ max_{‖v_l‖ ≤ γ‖θ_l‖} L(θ + v) on fixed adversarial images (Wu et al., NeurIPS 2020, Eq. 7 and Algorithm 1).

    v_l = γ·‖θ_l‖·g_l/‖g_l‖ with g the gradient at θ, for every tensor of weights of two dimensions and more, one per
    layer l; biases and BatchNorm stay. The optimiser then steps θ by the gradient at θ + v. BatchNorm's running
    averages move in that second pass only.

    Differs from the authors' code: the weights are never overwritten, so nothing has to be put back.
    """

    gamma: float
    passes = 2
    """Network passes per image that it adds: a forward and a backward pass for g."""

    def updates(
        self,
        loss: AdversarialLoss,
        model: nn.Module,
        images: Images,
        labels: Labels,
        generator: torch.Generator,
    ) -> Iterator[tuple[Float[Tensor, ""], Logits]]:
        """Yield the loss of the batch at the perturbed weights; its gradient is with respect to the present ones."""
        attacked = loss.attacked(model, images, labels, generator)
        moved = self.moved(loss, model, images, attacked, labels)
        yield loss.objective(At(model, moved), images, attacked, labels)

    def moved(
        self, loss: AdversarialLoss, model: nn.Module, images: Images, attacked: Attacked, labels: Labels
    ) -> dict[str, Tensor]:
        """Return θ + v of every weight tensor, by its name; differentiable in θ with v constant."""
        weights = {name: weight for name, weight in model.named_parameters() if weight.ndim > 1}
        weights = {name: weight for name, weight in weights.items() if weight.requires_grad}
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        value, _ = loss.objective(At(model, buffers), images, attacked, labels)
        value = weighted(value)
        gradients = torch.autograd.grad(value, list(weights.values()), allow_unused=True)
        all_sum_flat([gradient for gradient in gradients if gradient is not None])
        found = {}
        for (name, weight), gradient in zip(weights.items(), gradients):
            if gradient is not None:
                direction = gradient / (gradient.norm() + TINY)
                found[name] = weight + self.gamma * weight.detach().norm() * direction
        return found


class At(nn.Module):
    """A model with other values for some of its parameters and buffers; the model itself keeps its own."""

    def __init__(self, model: nn.Module, values: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.model, self.values = model, dict(values)

    def forward(self, images: Images) -> Logits:
        """Return the model's logits at those values."""
        return functional_call(self.model, self.values, (images,))

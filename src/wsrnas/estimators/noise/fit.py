"""Train φ on the noise memory (Eq. 5)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from wsrnas.errors import refuse
from wsrnas.estimators.memory import NoiseMemory
from wsrnas.estimators.noise.base import NoiseEstimator, WantedNoises, project
from wsrnas.types import Images, Norm

NoiseLoss = Callable[[Images, WantedNoises, WantedNoises], Tensor]
"""(images, δ̂, δ) → a number to minimise; δ̂ is projected, and its gradient passes the projection but for the part that
would push pixels further out."""


@dataclass(frozen=True, kw_only=True)
class NoiseFit:
    """How φ is optimised: AdamW; the rate rises over `warm_up_steps`, then falls by a cosine to 0 at `total_steps`.

    `warm_up_steps` 0 starts at the full rate, `total_steps` None keeps it. The released code's values are 5e-4, 1e-4,
    4000 and 100 000; its 2700 steps never leave the warm-up.
    """

    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    warm_up_steps: int = 0
    total_steps: int | None = None

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            refuse("learning_rate", expected="a rate > 0", got=self.learning_rate)
        if self.total_steps is not None and self.total_steps <= self.warm_up_steps:
            refuse("total_steps", expected=f"more than warm_up_steps = {self.warm_up_steps}", got=self.total_steps)

    def rate(self, step: int) -> float:
        """Return the share of `learning_rate` used at a step."""
        if step < self.warm_up_steps:
            return (step + 1) / self.warm_up_steps
        if self.total_steps is None:
            return 1.0
        done = min(1.0, (step - self.warm_up_steps) / (self.total_steps - self.warm_up_steps))
        return 0.5 * (1.0 + math.cos(math.pi * done))

    def optimizer(self, estimator: NoiseEstimator) -> tuple[AdamW, LambdaLR]:
        """Return the optimiser of φ and its schedule, to be stepped together."""
        optimizer = AdamW(estimator.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        return optimizer, LambdaLR(optimizer, self.rate)


RELEASED_FIT = NoiseFit(learning_rate=5e-4, weight_decay=1e-4, warm_up_steps=4000, total_steps=100_000)


def fit_noise_estimator(
    estimator: NoiseEstimator,
    memory: NoiseMemory,
    optimizer: Optimizer,
    *,
    passes: int,
    batch_size: int,
    generator: torch.Generator,
    schedule: LambdaLR | None = None,
    loss: Literal["mse", "relative"] | NoiseLoss = "mse",
) -> list[float]:
    """Train φ for K_a passes over M_a and return the mean loss of every pass (Eq. 5).

    ``mse``: mean (δ̂ − δ)², as in the paper; ``relative``: the same with both divided by ε̂, so that every strength
    weighs alike; or a function such as `RaisedLoss(model)`. The squared errors are of the estimate *before* it is
    projected, since the projection stops the gradient of every pixel that is too large.

    Raises:
        InputError: the estimator has nothing to learn, the memory is empty, or the loss has an unknown name.
    """
    if not estimator.needs_training:
        refuse("estimator", expected="one with weights to fit", got=type(estimator).__name__, remedy="use it as it is")
    if len(memory) == 0:
        refuse("memory", expected="examples to train on", got="an empty memory", remedy="push_noise first")
    if isinstance(loss, str) and loss not in ("mse", "relative"):
        refuse("loss", expected="'mse', 'relative' or a function", got=loss)
    parameters = [parameter for parameter in estimator.parameters() if parameter.requires_grad]
    means = []
    for _ in range(passes):
        total, seen = 0.0, 0
        for images, known_noise, known, wanted, noise in memory.batches(batch_size, generator):
            noise_hat = estimator.estimate(images, known_noise, known, wanted)
            if callable(loss):
                value = loss(images, _legal(images, noise_hat, wanted, estimator.norm), noise)
            else:
                scale = wanted[:, :, None, None, None] if loss == "relative" else 1.0
                value = functional.mse_loss(noise_hat / scale, noise / scale)
            gradients = torch.autograd.grad(value, parameters, allow_unused=True)
            for parameter, gradient in zip(parameters, gradients):
                parameter.grad = gradient
            optimizer.step()
            if schedule is not None:
                schedule.step()
            total, seen = total + float(value.detach()) * len(images), seen + len(images)
        means.append(total / seen)
    return means


def _legal(images: Images, noise_hat: WantedNoises, wanted: Tensor, norm: Norm) -> WantedNoises:
    """Project δ̂, letting through the gradient of every pixel that is inside or would come back inside.

    The projection's own gradient is zero for pixels outside, which would never return; passing everything lets them
    drift away without bound.
    """
    legal = project(images, noise_hat.detach(), wanted, norm)
    excess = noise_hat.detach() - legal
    passed = noise_hat.clone()
    passed.register_hook(lambda gradient: torch.where(excess * gradient < 0, torch.zeros_like(gradient), gradient))
    return legal + (passed - passed.detach())


class RaisedLoss:
    """Minus the cross-entropy that δ̂ causes: trains φ on the loss its noises should raise instead of on their pixels.

    Labels are the model's own predictions on the clean images, since M_a keeps none. The model is used in the mode it
    is in; `fit_noise_estimator` leaves no gradients in its parameters.

    Not in the paper.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __call__(self, images: Images, noise_hat: WantedNoises, noise: WantedNoises) -> Tensor:
        """Return −mean CE(model(x+δ̂), argmax model(x))."""
        with torch.no_grad():
            labels = self.model(images).argmax(dim=1)
        attacked = (images[:, None] + noise_hat).flatten(0, 1)
        repeated = labels.repeat_interleave(noise_hat.shape[1])
        return -functional.cross_entropy(self.model(attacked), repeated)

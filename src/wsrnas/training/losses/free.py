"""Adversarial training at the price of standard training, by using every batch several times."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.errors import refuse
from wsrnas.runtime.shares import everywhere
from wsrnas.training.losses.base import TrainingLoss, check_radius
from wsrnas.types import Images, Labels, Logits


@dataclass(frozen=True, kw_only=True)
class FreeAT(TrainingLoss):
    """CE(f(x+δ), y), δ and θ moved by the same backward pass, m times a batch (Shafahi et al., NeurIPS 2019, Alg. 1).

    After each of the m = `replays` optimiser steps δ ← Π_ε(δ + ε·sign ∇_δ). δ starts at zero and is carried from batch
    to batch and epoch to epoch. An epoch takes m optimiser steps per batch, so m times fewer epochs are needed.

    Differs from the authors' code: the learning rate moves once a batch, not once a replay; a batch of another size
    than the last starts at zero noise again.
    """

    name: ClassVar[str] = "free"
    eps: float = 8 / 255
    replays: int = 8

    def __post_init__(self) -> None:
        check_radius(self.eps, "eps", "Linf")
        if self.replays < 1:
            refuse("loss.settings.replays", expected="at least 1 optimiser step per batch", got=self.replays)

    @property
    def passes(self) -> int:
        """A forward and a backward pass per replay, for noise and weights together."""
        return 2 * self.replays

    def largest_strength(self) -> float | None:
        """Return ε."""
        return self.eps

    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the loss of the first replay of a training, at zero noise."""
        return next(self.updates(model, images, labels, generator, {}))

    def updates(
        self,
        model: nn.Module,
        images: Images,
        labels: Labels,
        generator: torch.Generator,
        carried: MutableMapping[str, Tensor],
    ) -> Iterator[tuple[Float[Tensor, ""], Logits]]:
        """Yield the loss of every replay; draws nothing from the generator.

        Raises:
            InputError: the caller did not backpropagate, or no gradient reached the images.
        """
        noise = carried["noise"].to(images) if "noise" in carried else torch.zeros_like(images)
        if not everywhere(torch.tensor(noise.shape == images.shape)):
            noise = torch.zeros_like(images)
        for _ in range(self.replays):
            leaf = noise.detach().requires_grad_(True)
            logits = model((images + leaf).clamp(0, 1)).float()
            yield functional.cross_entropy(logits, labels), logits
            if leaf.grad is None:
                remedy = "remove detach(), numpy or no_grad from its forward, or use another loss"
                refuse("model", expected="logits that depend differentiably on the images", got="no gradient",
                       remedy=remedy)  # fmt: skip
            noise = (noise + self.eps * leaf.grad.sign()).clamp(-self.eps, self.eps)
        carried["noise"] = noise

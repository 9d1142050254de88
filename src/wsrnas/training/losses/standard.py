"""Training on clean images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks.victim import own_copy
from wsrnas.training.losses.base import TrainingLoss, check_smoothing
from wsrnas.types import Images, Labels, Logits


@dataclass(frozen=True, kw_only=True)
class Standard(TrainingLoss):
    """L = CE(f(x), y): training on clean images.

    `label_smoothing` s puts 1 − s on the true class and s/K on each of the K.
    """

    name: ClassVar[str] = "standard"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_smoothing(self.label_smoothing)

    @property
    def passes(self) -> int:
        """One forward and one backward pass."""
        return 2

    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the cross-entropy of the clean images; draws nothing from the generator."""
        logits = model(own_copy(images)).float()
        return functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing), logits

"""Adversarial training with one step from a random start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.errors import refuse
from wsrnas.training.losses.base import AttackMode, TrainingLoss, batchnorm_mode, check_mode, check_radius
from wsrnas.types import Images, Labels, Logits


@dataclass(frozen=True, kw_only=True)
class FastAT(TrainingLoss):
    """CE(f(x+δ), y) with δ = Π_ε(η + α·sign ∇CE(f(x+η), y)), η ~ U(−ε, ε) (Wong et al., ICLR 2020, Algorithm 3).

    α = `step_ratio`·ε, 1.25 as published. As in the authors' code the attack sees the batch's own BatchNorm
    statistics by default.
    """

    name: ClassVar[str] = "fast"
    eps: float
    step_ratio: float = 1.25
    attack_mode: AttackMode = "train"

    def __post_init__(self) -> None:
        check_radius(self.eps, "loss.eps", "Linf")
        check_mode(self.attack_mode)
        if not self.step_ratio > 0:
            refuse("loss.step_ratio", expected="a ratio > 0", got=self.step_ratio, remedy="the paper uses 1.25")

    @property
    def passes(self) -> int:
        """A forward and a backward pass for the noise, and one of each for the weights."""
        return 4

    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the cross-entropy of the adversarial images."""
        attack = PGD(eps=self.eps, steps=1, step_size=self.step_ratio * self.eps, random_start=True)
        with batchnorm_mode(model, self.attack_mode):
            adversarial = attack.perturb(model, images, labels, generator)
        logits = model(adversarial).float()
        return functional.cross_entropy(logits, labels), logits

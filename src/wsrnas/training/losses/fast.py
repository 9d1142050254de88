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
from wsrnas.training.losses.base import (
    AdversarialLoss,
    Attacked,
    AttackMode,
    batchnorm_mode,
    check_mode,
    check_radius,
    check_smoothing,
)
from wsrnas.types import Images, Labels, Logits


@dataclass(frozen=True, kw_only=True)
class FastAT(AdversarialLoss):
    """CE(f(x+δ), y) with δ = Π_ε(η + α·sign ∇CE(f(x+η), y)), η ~ U(−ε, ε) (Wong et al., ICLR 2020, Algorithm 3).

    α = `step_ratio`·ε, 1.25 as published. As in the authors' code the attack sees the batch's own BatchNorm
    statistics by default. `label_smoothing` s puts 1 − s on the true class and s/K on each of the K, for the weights
    and not for the attack.
    """

    name: ClassVar[str] = "fast"
    eps: float = 8 / 255
    step_ratio: float = 1.25
    attack_mode: AttackMode = "train"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_radius(self.eps, "eps", "Linf")
        check_mode(self.attack_mode)
        check_smoothing(self.label_smoothing)
        if not self.step_ratio > 0:
            remedy = "the paper uses 1.25"
            refuse("loss.settings.step_ratio", expected="a ratio > 0", got=self.step_ratio, remedy=remedy)

    @property
    def passes(self) -> int:
        """A forward and a backward pass for the noise, and one of each for the weights."""
        return 4

    def largest_strength(self) -> float | None:
        """Return ε."""
        return self.eps

    def attacked(self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator) -> Attacked:
        """Return the adversarial images."""
        attack = PGD(eps=self.eps, steps=1, step_size=self.step_ratio * self.eps, random_start=True)
        with batchnorm_mode(model, self.attack_mode):
            return attack.perturb(model, images, labels, generator)

    def objective(
        self, model: nn.Module, images: Images, attacked: Attacked, labels: Labels
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the cross-entropy of the adversarial images."""
        logits = model(attacked).float()
        return functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing), logits

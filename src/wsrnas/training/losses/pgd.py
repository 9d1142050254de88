"""Adversarial training with PGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.training.losses.base import (
    AdversarialLoss,
    Attacked,
    AttackMode,
    batchnorm_mode,
    check_mode,
    check_radius,
    check_smoothing,
    check_steps,
)
from wsrnas.types import Images, Labels, Logits, Norm


@dataclass(frozen=True, kw_only=True)
class PGDTraining(AdversarialLoss):
    """min_θ max_{‖δ‖≤ε} CE(f(x+δ), y), the maximum approached by PGD (Madry et al., ICLR 2018, Eq. 2.1).

    `eps` is a radius in [0,1] pixels; the step defaults to 2.5·ε/steps. `attack_mode` is the BatchNorm behaviour that
    the attack sees: "eval" (running averages, as in AdvRush and TRADES) or "train" (statistics of the attacked batch).
    `label_smoothing` s puts 1 − s on the true class and s/K on each of the K, for the weights and not for the attack.

    Differs from the released code: attacks leave the running averages alone, where the code's train-mode attack adds
    seven updates a step to them; random start by default (the code's retraining attack is not shipped).
    """

    name: ClassVar[str] = "pgd"
    eps: float = 8 / 255
    steps: int = 7
    step_size: float | None = None
    random_start: bool = True
    norm: Norm = "Linf"
    attack_mode: AttackMode = "eval"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_radius(self.eps, "eps", self.norm)
        check_steps(self.steps, self.step_size)
        check_mode(self.attack_mode)
        check_smoothing(self.label_smoothing)

    @property
    def attack(self) -> PGD:
        """The inner maximisation as an attack."""
        return PGD(
            eps=self.eps,
            steps=self.steps,
            step_size=self.step_size,
            random_start=self.random_start,
            norm=self.norm,
        )

    @property
    def passes(self) -> int:
        """A forward and a backward pass per attack step, and one of each for the weights."""
        return 2 * self.steps + 2

    def largest_strength(self) -> float | None:
        """Return ε."""
        return self.eps

    def attacked(self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator) -> Attacked:
        """Return the adversarial images."""
        with batchnorm_mode(model, self.attack_mode):
            return self.attack.perturb(model, images, labels, generator)

    def objective(
        self, model: nn.Module, images: Images, attacked: Attacked, labels: Labels
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the cross-entropy of the adversarial images."""
        logits = model(attacked).float()
        return functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing), logits

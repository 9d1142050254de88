"""Adversarial training with PGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.training.losses.base import AttackMode, TrainingLoss, batchnorm_mode, check_mode, check_radius, check_steps
from wsrnas.types import Images, Labels, Logits, Norm


@dataclass(frozen=True, kw_only=True)
class PGDTraining(TrainingLoss):
    """min_θ max_{‖δ‖≤ε} CE(f(x+δ), y), the maximum approached by PGD (Madry et al., ICLR 2018, Eq. 2.1).

    `eps` is a radius in [0,1] pixels; the step defaults to 2.5·ε/steps. `attack_mode` is the BatchNorm behaviour that
    the attack sees: "eval" (running averages, as in AdvRush and TRADES) or "train" (statistics of the attacked batch).

    Differs from the released code: attacks leave the running averages alone, where the code's train-mode attack adds
    seven updates a step to them; random start by default (the code's retraining attack is not shipped).
    """

    name: ClassVar[str] = "pgd"
    eps: float
    steps: int = 7
    step_size: float | None = None
    random_start: bool = True
    norm: Norm = "Linf"
    attack_mode: AttackMode = "eval"

    def __post_init__(self) -> None:
        check_radius(self.eps, "loss.eps", self.norm)
        check_steps(self.steps, self.step_size)
        check_mode(self.attack_mode)

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

    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the cross-entropy of the adversarial images."""
        with batchnorm_mode(model, self.attack_mode):
            adversarial = self.attack.perturb(model, images, labels, generator)
        logits = model(adversarial).float()
        return functional.cross_entropy(logits, labels), logits

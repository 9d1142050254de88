"""Adversarial training at several strengths at once."""

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
    check_steps,
)
from wsrnas.types import Images, Labels, Logits, Norm


@dataclass(frozen=True, kw_only=True)
class MultiStrength(AdversarialLoss):
    """1/S · Σ_s max_{‖δ‖≤ε_s} CE(f(x+δ), y): the adversarial images of all strengths in one batch (Multi-Adv).

    `strengths` (S,) ascend; the paper's six by default. The concatenated batch of S·B images passes the network once,
    so BatchNorm sees the mixture of strengths. The returned logits are those of the largest strength.
    """

    name: ClassVar[str] = "multi"
    strengths: tuple[float, ...] = (0.03, 0.045, 0.06, 0.075, 0.09, 0.105)
    steps: int = 7
    random_start: bool = True
    norm: Norm = "Linf"
    attack_mode: AttackMode = "eval"

    def __post_init__(self) -> None:
        for strength in self.strengths:
            check_radius(strength, "strengths", self.norm)
        if not self.strengths or list(self.strengths) != sorted(set(self.strengths)):
            refuse("loss.settings.strengths", expected="strictly ascending strengths", got=self.strengths)
        check_steps(self.steps)
        check_mode(self.attack_mode)

    @property
    def passes(self) -> int:
        """Those of PGD training, once per strength."""
        return len(self.strengths) * (2 * self.steps + 2)

    def largest_strength(self) -> float | None:
        """Return the last of the strengths."""
        return self.strengths[-1]

    def attacked(self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator) -> Attacked:
        """Return the adversarial images (S·B,C,H,W), weakest strength first."""
        attack = PGD(eps=self.strengths[0], steps=self.steps, random_start=self.random_start, norm=self.norm)
        with batchnorm_mode(model, self.attack_mode):
            return torch.cat([attack.at(eps).perturb(model, images, labels, generator) for eps in self.strengths])

    def objective(
        self, model: nn.Module, images: Images, attacked: Attacked, labels: Labels
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the mean cross-entropy over strengths and images."""
        logits = model(attacked).float()
        loss = functional.cross_entropy(logits, labels.repeat(len(self.strengths)))
        return loss, logits[-len(labels) :]

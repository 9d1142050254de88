"""The fast gradient sign method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal, LossName, check_loss
from wsrnas.attacks.victim import Victim


@final
@dataclass(frozen=True, kw_only=True)
class FGSM(Attack):
    """One step to the edge of the ball: x' = clip(x + ε·sign(∇_x L)), or x + ε·g/‖g‖₂ in L2.

    Args:
        loss: "ce", "margin" or "dlr".

    Source: Goodfellow et al., Explaining and harnessing adversarial examples, ICLR 2015.
    Differs from the paper: nothing.
    """

    loss: LossName = "ce"

    def _check(self) -> None:
        check_loss(self.loss)

    @property
    def passes(self) -> int:
        """One forward and one backward pass."""
        return 2

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        gradient, _, _ = victim.climb(ball.images, goal.objective(self.loss))
        return ball.climb(ball.images, gradient, self.eps)

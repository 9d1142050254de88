"""Gradient descent on the loss averaged over noise, for losses too rough for their own gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.best import Best
from wsrnas.attacks.norms import Ball, per_image
from wsrnas.attacks.objectives import Goal, LossName, check_loss
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse

_TINY = 1e-30


@final
@dataclass(frozen=True, kw_only=True)
class SmoothedPGD(Attack):
    """PGD along v ← μ·v + mean_k ∇L(x' + u_k)/‖∇L(x' + u_k)‖₁, u_k uniform in a ball of radius `spread`·eps.

    The mean of gradients over noise is the gradient of the mean loss over noise, L * U. Whatever makes the loss
    oscillate faster than the noise is wide averages out, and with it the false slopes that stop PGD. The iterate with
    the highest loss is kept.

    Args:
        steps: gradient steps, of 2.5·eps/steps each.
        draws: gradients averaged at each step.
        spread: radius of the noise in units of eps.
        momentum: μ, which averages over steps as well.
        loss: "ce", "margin" or "dlr".

    Source: Athalye et al., Synthesizing robust adversarial examples, ICML 2018 (expectation over transformations);
    Dong et al., Boosting adversarial attacks with momentum, CVPR 2018 (μ and the division by ‖·‖₁).
    Differs from the papers: the transformation is uniform noise added by the attack, not the model.
    """

    steps: int = 20
    draws: int = 4
    spread: float = 0.5
    momentum: float = 0.75
    loss: LossName = "margin"

    def _check(self) -> None:
        check_loss(self.loss)
        for argument, count in (("steps", self.steps), ("draws", self.draws)):
            if count < 1:
                refuse(argument, expected="a whole number >= 1", got=count)
        if not 0 < self.spread <= 1:
            refuse("spread", expected="a share of eps in (0,1]", got=self.spread)
        if not 0 <= self.momentum <= 1:
            refuse("momentum", expected="a share in [0,1]", got=self.momentum)

    @property
    def name(self) -> str:
        """SmoothedPGD, its steps and its draws."""
        return f"SmoothedPGD-{self.steps}x{self.draws}"

    @property
    def passes(self) -> int:
        """Forward and backward per draw, and one forward pass per step to look at the iterate."""
        return self.steps * (2 * self.draws + 1)

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        objective, best = goal.objective(self.loss), Best(ball.images)
        current = ball.sample(generator, spread=True)
        velocity = torch.zeros_like(current)
        for _ in range(self.steps):
            velocity = self.momentum * velocity
            for _ in range(self.draws):
                noisy = Ball(current, self.spread * self.eps, self.norm).sample(generator, spread=True)
                gradient, _, _ = victim.climb(noisy, objective)
                size = gradient.flatten(1).abs().sum(1).clamp_min(_TINY)
                velocity = velocity + gradient / per_image(size * self.draws)
            current = ball.climb(current, velocity, 2.5 * self.eps / self.steps)
            logits = victim.predict(current)
            best.offer(current, objective(logits), logits, goal)
        return best.images

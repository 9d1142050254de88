"""Uniform random noise: the weakest attack, which every stronger one must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.best import Best
from wsrnas.attacks.norms import Ball, length, per_image
from wsrnas.attacks.objectives import Goal, LossName, check_loss
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse

_STRETCHES = 10


@final
@dataclass(frozen=True, kw_only=True)
class RandomNoise(Attack):
    """The best of `draws` random draws from the ball; needs no gradient.

    Linf draws are uniform in the ball. L2 draws have a uniform direction and are stretched until their length is eps
    after clipping to [0,1], so that images with many black or white pixels do not get shorter noise.

    Args:
        draws: draws per image; with one draw the model is not even asked.
        loss: what "best" means among images that are still classified correctly.

    Source: recommended as a sanity check by Carlini et al., On evaluating adversarial robustness, 2019.
    Differs from the paper: nothing.
    """

    draws: int = 10
    loss: LossName = "margin"

    needs_gradient: ClassVar[bool] = False

    def _check(self) -> None:
        check_loss(self.loss)
        if self.draws < 1:
            refuse("draws", expected="a whole number >= 1", got=self.draws)

    @property
    def passes(self) -> int:
        """One forward pass per draw, none for a single one."""
        return self.draws if self.draws > 1 else 0

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        if self.draws == 1:
            return _draw(ball, generator)
        best, objective = Best(ball.images), goal.objective(self.loss)
        for _ in range(self.draws):
            candidates = _draw(ball, generator)
            logits = victim.predict(candidates)
            best.offer(candidates, objective(logits), logits, goal)
        return best.images


def _draw(ball: Ball, generator: torch.Generator) -> Tensor:
    candidates = ball.sample(generator)
    if ball.norm == "Linf":
        return candidates
    # The clipped length is concave in the factor, so stretching by eps/length approaches eps and never overshoots it.
    for _ in range(_STRETCHES):
        noise = candidates - ball.images
        factor = ball.eps / length(noise, "L2").clamp_min(1e-12)
        candidates = (ball.images + per_image(factor) * noise).clamp(0.0, 1.0)
    return candidates

"""Fast minimum norm: the nearest adversarial image instead of the worst one in a ball."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.norms import Ball, length, per_image, project_noise, steepest
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse
from wsrnas.types import Norm

_TINY = 1e-12
_LAST_SHARE = 0.01
_LAST_SHRINKING = 0.001
_DUAL: dict[Norm, float] = {"Linf": 1, "L2": 2}


@final
@dataclass(frozen=True, kw_only=True)
class FMN(Attack):
    """The adversarial image with the shortest noise: argmin ‖δ‖ such that the model errs at x + δ in [0,1].

    Every image has a radius r of its own. Each step climbs the margin and projects to the radius,
    δ ← Π_r(δ + α·∇L/‖∇L‖₂), and the radius follows the boundary: where the model errs r ← min((1−γ)·r, shortest noise
    found); where it never erred yet r ← ‖δ‖ + |L|/‖∇L‖_*, the distance to the boundary if it were flat; else
    r ← (1+γ)·r. α and γ fall along half a cosine. One run says at which strength each image breaks, so a protocol need
    not repeat it at every strength; what is farther than `eps` is handed back projected to it.

    Args:
        steps: forward and backward passes.
        step_size: α at the start, an L2 length in pixel units; it ends at a hundredth.
        shrinking: γ at the start; it ends at 0.001.

    Source: Pintor et al., Fast minimum-norm adversarial attacks through adaptive norm constraints, NeurIPS 2021,
    Algorithm 1.
    Differs from the paper: starts at the clean image only.
    """

    steps: int = 100
    step_size: float = 1.0
    shrinking: float = 0.05

    minimises: ClassVar[bool] = True

    def _check(self) -> None:
        if self.steps < 1:
            refuse("steps", expected="a whole number >= 1", got=self.steps)
        if not self.step_size > 0:
            refuse("step_size", expected="a number > 0", got=self.step_size)
        if not 0 < self.shrinking < 1:
            refuse("shrinking", expected="a share in (0,1), such as 0.05", got=self.shrinking)

    @property
    def name(self) -> str:
        """FMN and its number of steps."""
        return f"FMN-{self.steps}"

    @property
    def passes(self) -> int:
        """Forward and backward at every step, and a last forward pass."""
        return 2 * self.steps + 1

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        clean, objective = ball.images, goal.objective("margin")
        farthest = length(torch.maximum(clean, 1.0 - clean), self.norm)
        noise, nearest, shortest = (
            torch.zeros_like(clean),
            torch.zeros_like(clean),
            torch.full_like(farthest, torch.inf),
        )
        radius = torch.full_like(farthest, torch.inf)
        for step in range(self.steps + 1):
            cosine = 0.5 * (1.0 + math.cos(math.pi * step / self.steps))
            if step < self.steps:
                gradient, losses, logits = victim.climb(clean + noise, objective)
            else:
                logits = victim.predict(clean + noise)
            won, lengths = goal.reached(logits), length(noise, self.norm)
            closer = won & (lengths < shortest)
            nearest, shortest = torch.where(per_image(closer), noise, nearest), torch.where(closer, lengths, shortest)
            if step == self.steps:
                break
            share = _LAST_SHRINKING + (self.shrinking - _LAST_SHRINKING) * cosine
            slope = torch.linalg.vector_norm(gradient.flatten(1), ord=_DUAL[self.norm], dim=1)
            reach = lengths + losses.abs() / slope.clamp_min(_TINY)
            outward = torch.where(shortest.isinf(), reach, radius * (1.0 + share))
            radius = torch.where(won, torch.minimum(radius * (1.0 - share), shortest), outward).minimum(farthest)
            size = self.step_size * (_LAST_SHARE + (1.0 - _LAST_SHARE) * cosine)
            moved = project_noise(noise + size * steepest(gradient, "L2"), radius, self.norm)
            noise = (clean + moved).clamp(0.0, 1.0) - clean
        # Never won: the last noise is as good a try as any.
        return clean + torch.where(per_image(shortest.isinf()), noise, nearest)

"""Fast minimum norm: the nearest adversarial image instead of the worst one in a ball."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from wsrnas.attacks.apgd import auto_pgd, likeliest_others, towards
from wsrnas.attacks.base import Attack
from wsrnas.attacks.best import Best
from wsrnas.attacks.norms import Ball, length, per_image, project_noise, steepest, take
from wsrnas.attacks.objectives import Goal, Objective, class_gap
from wsrnas.attacks.victim import Victim
from wsrnas.errors import at_least, refuse
from wsrnas.types import Norm

_TINY = 1e-12
_LAST_SHARE = 0.01
_LAST_SHRINKING = 0.001
_DUAL: dict[Norm, float] = {"Linf": 1, "L2": 2}
_NEAR = 1.3


@final
@dataclass(frozen=True, kw_only=True)
class FMN(Attack):
    """The adversarial image with the shortest noise: argmin ‖δ‖ such that the model errs at x + δ in [0,1].

    Every image has a radius r of its own. Each step climbs the margin and projects to the radius,
    δ ← Π_r(δ + α·∇L/‖∇L‖₂), and the radius follows the boundary: where the model errs r ← min((1−γ)·r, shortest noise
    found); where it never erred yet r ← ‖δ‖ + |L|/‖∇L‖_*, the distance to the boundary if it were flat; else
    r ← (1+γ)·r. α and γ fall along half a cosine. One run says at which strength each image breaks, so a protocol need
    not repeat it at every strength.

    Args:
        steps: forward and backward passes for each class.
        classes: with 1 the nearest wrong class is looked for, whichever that is at every step; with more, each of so
            many likeliest wrong classes on its own as well, and the nearest image of all runs is kept.
        closing: where the nearest image lies outside the ball but within 1.3·eps, steps of APGD inside the ball that
            begin at its projection and aim at its class; 0 only projects it.
        step_size: α at the start, an L2 length in pixel units; it ends at a hundredth.
        shrinking: γ at the start; it ends at 0.001.

    Source: Pintor et al., Fast minimum-norm adversarial attacks through adaptive norm constraints, NeurIPS 2021,
    Algorithm 1.
    Differs from the paper: starts at the clean image only; several classes and the closing steps are ours.
    """

    steps: int = 100
    classes: int = 1
    closing: int = 0
    step_size: float = 1.0
    shrinking: float = 0.05

    minimises: ClassVar[bool] = True

    def _check(self) -> None:
        for argument, count in (("steps", self.steps), ("classes", self.classes)):
            if count < 1:
                refuse(argument, expected="a whole number >= 1", got=count)
        at_least(0, closing=self.closing)
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
        """For each class forward and backward at every step and a last forward pass, and the closing steps."""
        runs = 1 if self.classes == 1 else 1 + self.classes
        return 1 + runs * (2 * self.steps + 1) + (2 * self.closing + 2 if self.closing else 0)

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        nearest, shortest = self._search(victim, ball, goal, goal.objective("margin"))
        ranking = likeliest_others(victim.predict(ball.images), goal.labels, self.classes)
        # An image that is won as it stands needs no other class; the rest of a batch that belongs together does.
        wanted = (shortest > 0) | (not victim.separable)
        rows = torch.nonzero(wanted)[:, 0]
        several = ranking.shape[1] > 1 and not goal.targeted and rows.numel() > 0
        near, aim = ball.subset(rows), goal.subset(rows)
        for column in range(ranking.shape[1] if several else 0):
            found, lengths = self._search(victim, near, aim, class_gap(aim.labels, ranking[rows, column]))
            closer = lengths < shortest[rows]
            nearest = nearest.index_copy(0, rows, torch.where(per_image(closer), found, take(nearest, rows)))
            shortest = shortest.index_copy(0, rows, torch.where(closer, lengths, shortest[rows]))
        return self._close(victim, ball, goal, nearest)

    def _search(self, victim: Victim, ball: Ball, goal: Goal, objective: Objective) -> tuple[Tensor, Tensor]:
        """Return the nearest image found and the length of its noise; inf where the goal was never reached."""
        clean = ball.images
        farthest = length(torch.maximum(clean, 1.0 - clean), self.norm)
        noise, nearest, shortest = torch.zeros_like(clean), clean, torch.full_like(farthest, torch.inf)
        radius = torch.full_like(farthest, torch.inf)
        for step in range(self.steps):
            gradient, losses, logits = victim.climb(clean + noise, objective)
            nearest, shortest = self._kept(clean, noise, goal.reached(logits), nearest, shortest)
            cosine = 0.5 * (1.0 + math.cos(math.pi * step / self.steps))
            share = _LAST_SHRINKING + (self.shrinking - _LAST_SHRINKING) * cosine
            slope = torch.linalg.vector_norm(gradient.flatten(1), ord=_DUAL[self.norm], dim=1)
            reach = length(noise, self.norm) + losses.to(slope).abs() / slope.clamp_min(_TINY)
            outward = torch.where(shortest.isinf(), reach, radius * (1.0 + share))
            inward = torch.minimum(radius * (1.0 - share), shortest)
            radius = torch.where(goal.reached(logits), inward, outward).minimum(farthest)
            size = self.step_size * (_LAST_SHARE + (1.0 - _LAST_SHARE) * cosine)
            moved = project_noise(noise + size * steepest(gradient, "L2"), radius, self.norm)
            noise = (clean + moved).clamp(0.0, 1.0) - clean
        won = goal.reached(victim.predict(clean + noise))
        nearest, shortest = self._kept(clean, noise, won, nearest, shortest)
        return torch.where(per_image(shortest.isinf()), clean + noise, nearest), shortest

    def _kept(
        self, clean: Tensor, noise: Tensor, won: Tensor, nearest: Tensor, shortest: Tensor
    ) -> tuple[Tensor, Tensor]:
        lengths = length(noise, self.norm)
        closer = won & (lengths < shortest)
        return torch.where(per_image(closer), clean + noise, nearest), torch.where(closer, lengths, shortest)

    def _close(self, victim: Victim, ball: Ball, goal: Goal, nearest: Tensor) -> Tensor:
        lengths = length(nearest - ball.images, self.norm)
        near = (lengths > self.eps) & (lengths <= _NEAR * self.eps)
        rows = torch.nonzero(near)[:, 0] if victim.separable else torch.arange(len(near), device=near.device)
        projected = ball.project(nearest)
        if self.closing == 0 or not bool(near.any()):
            return projected
        aim, around, start = goal.subset(rows), ball.subset(rows), take(nearest, rows)
        best = Best(take(projected, rows))
        objective = aim.objective("dlr")
        if not goal.targeted:
            objective = towards(aim, likeliest_others(victim.predict(start), aim.labels, 1)[:, 0])
        auto_pgd(victim, around, aim, objective, around.project(start), self.closing, best)
        return projected.index_copy(0, rows, best.images)

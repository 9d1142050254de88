"""RayS: search for the sign direction along which the decision changes soonest, asking for decisions only."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.norms import Ball, per_image
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse
from wsrnas.types import Images


@final
@dataclass(frozen=True, kw_only=True)
class RayS(Attack):
    """Walk from x along d ∈ {−1,+1}ⁿ, and flip signs of d in ever finer blocks while the nearest error comes nearer.

    r(d) = min {r : argmax f(x + r·d) ≠ y}. At level s the n pixels are cut into 2ˢ blocks, whose signs are flipped one
    after the other; a flip is kept where the model errs at the present r, and r is then bisected along the new d. An
    image is won when r ≤ eps. Neither logits nor gradients are looked at, so nothing that hides them helps a model.

    Args:
        flips: blocks tried per image.
        bisections: halvings of the radius after each flip that is kept.

    Source: Chen and Gu, RayS: A ray searching method for hard-label adversarial attack, KDD 2020, Algorithms 1-3.
    Differs from the paper: a number of flips instead of a number of queries; radii below eps are not searched, since an
    image is won there; after single pixels the search starts over with the whole image; noise is clipped to [0,1] at
    each query; in L2 (not in the paper) d is divided by √n.
    """

    flips: int = 200
    bisections: int = 6

    needs_gradient: ClassVar[bool] = False

    def _check(self) -> None:
        for argument, count in (("flips", self.flips), ("bisections", self.bisections)):
            if count < 1:
                refuse(argument, expected="a whole number >= 1", got=count)

    @property
    def name(self) -> str:
        """RayS and its number of flips."""
        return f"RayS-{self.flips}"

    @property
    def passes(self) -> int:
        """A forward pass per flip, and where it is kept one at eps and one per bisection; one for the clean images."""
        return 1 + self.flips * (2 + self.bisections)

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        images = ball.images
        pixels = images[0].numel()
        unit = 1.0 if self.norm == "Linf" else pixels**-0.5
        ways = torch.ones_like(images)
        far = 1.0 / unit
        radius = torch.full((len(images),), far, dtype=images.dtype, device=images.device)
        won = goal.reached(victim.predict(images))
        ask = _Decisions(victim, images, goal, unit)
        for flip, (first, last) in enumerate(_blocks(pixels, self.flips)):
            turned = torch.ones(pixels, dtype=images.dtype, device=images.device)
            turned[first:last] = -1.0 if flip > 0 else 1.0
            tried = ways * turned.view(images.shape[1:])
            rows = torch.nonzero(~won)[:, 0]
            if len(rows) == 0:
                break
            rows = rows[ask(rows, tried, radius)]
            if len(rows) == 0:
                continue
            ways[rows] = tried[rows]
            near = ask(rows, tried, torch.full_like(radius, self.eps))
            won[rows[near]] = True
            radius[rows[near]] = self.eps
            radius = self._bisect(ask, rows[~near], tried, radius)
        moved = (images + unit * per_image(radius) * ways).clamp(0.0, 1.0)
        return torch.where(per_image((radius < far) | ~won), moved, images)

    def _bisect(self, ask: _Decisions, rows: Tensor, ways: Images, radius: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
        low, high = torch.full_like(radius, self.eps), radius.clone()
        for _ in range(self.bisections if len(rows) else 0):
            middle = (low + high) / 2
            errs = ask(rows, ways, middle)
            high[rows[errs]] = middle[rows[errs]]
            low[rows[~errs]] = middle[rows[~errs]]
        return high


class _Decisions:
    """Whether the goal is reached at a radius along a direction, for some rows of a batch."""

    def __init__(self, victim: Victim, images: Images, goal: Goal, unit: float) -> None:
        self._victim, self._images, self._goal, self._unit = victim, images, goal, unit

    def __call__(self, rows: Tensor, ways: Images, radius: Float[Tensor, "B"]) -> Bool[Tensor, "N"]:
        """Return one decision per row; where images influence one another the whole batch is asked."""
        asked = rows if self._victim.separable else torch.arange(len(ways), device=ways.device)
        moved = self._images[asked] + self._unit * per_image(radius[asked]) * ways[asked]
        reached = self._goal.subset(asked).reached(self._victim.predict(moved.clamp(0.0, 1.0)))
        return reached if self._victim.separable else reached[rows]


def _blocks(pixels: int, count: int) -> list[tuple[int, int]]:
    """Return the first `count` blocks: the whole image, its halves, its quarters, … single pixels, and over again."""
    found: list[tuple[int, int]] = []
    parts = 1
    while len(found) < count:
        edges = torch.linspace(0, pixels, parts + 1).round().long().tolist()
        found += itertools.pairwise(edges)
        parts = 1 if parts >= pixels else min(2 * parts, pixels)
    return found[:count]

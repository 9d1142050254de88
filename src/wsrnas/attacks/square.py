"""The Square attack: random search with squares, asking for logits only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.best import Best
from wsrnas.attacks.draws import host_generator
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.square_moves import move_l2, move_linf, start_l2, start_linf, window_side
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse

_BETWEEN_LOOKS = 25


@final
@dataclass(frozen=True, kw_only=True)
class Square(Attack):
    """Random search: propose noise in a random square, keep it where the margin loss rises.

    Starts from stripes (Linf) or a grid of pyramids (L2); the squares shrink on a fixed schedule. Images already won
    are dropped every 25 queries (unless a layer is in train mode). The model may be any function to logits.

    Args:
        queries: proposals per image.
        fraction: share p of the image covered by the first squares.

    Source: Andriushchenko et al., Square attack: a query-efficient black-box adversarial attack via random search,
    ECCV 2020, Algorithms 1-3.
    Differs from the paper: the margin loss for targeted attacks too; p is also halved at 5 % of the queries and starts
    at 0.8, both as in the authors' AutoAttack, which does not stretch the schedule to the number of queries as we do.
    """

    queries: int = 5000
    fraction: float = 0.8

    needs_gradient: ClassVar[bool] = False

    def _check(self) -> None:
        if self.queries < 1:
            refuse("queries", expected="a whole number >= 1", got=self.queries)
        if not 0 < self.fraction <= 1:
            refuse("fraction", expected="a share of the image in (0,1]", got=self.fraction)

    @property
    def name(self) -> str:
        """Square and its number of queries."""
        return f"Square-{self.queries}"

    @property
    def passes(self) -> int:
        """One forward pass per query, and one for the clean images."""
        return self.queries + 1

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        host = host_generator(generator)
        best = Best(ball.images)
        _ask(victim, ball.images, goal, best)
        rows = best.remaining(victim)
        if rows.numel() == 0:
            return best.images
        around, aim = ball.subset(rows), goal.subset(rows)
        found = Best(around.images)
        for query in range(self.queries):
            if query > 0 and query % _BETWEEN_LOOKS == 0:
                best.merge(rows, found)
                left = found.remaining(victim)
                if left.numel() == 0:
                    return best.images
                if left.numel() < rows.numel():
                    rows, around, aim, found = rows[left], around.subset(left), aim.subset(left), found.select(left)
            candidates = self._propose(around, found.images, query, generator, host)
            _ask(victim, candidates, aim, found)
        best.merge(rows, found)
        return best.images

    def _propose(
        self, ball: Ball, current: Tensor, query: int, generator: torch.Generator, host: torch.Generator
    ) -> Tensor:
        if query == 0:
            return start_linf(ball, generator) if self.norm == "Linf" else start_l2(ball, generator, host)
        height, width = current.shape[2:]
        side = window_side(query / self.queries, self.fraction, height, width, 1 if self.norm == "Linf" else 3)
        if self.norm == "Linf":
            return move_linf(ball, current, side, generator)
        return move_l2(ball, current, side, generator, host)


def _ask(victim: Victim, candidates: Tensor, goal: Goal, best: Best) -> None:
    logits = victim.predict(candidates)
    best.offer(candidates, goal.objective("margin")(logits), logits, goal)

"""The best adversarial image seen so far, image by image."""

from __future__ import annotations

import torch
from torch import Tensor

from wsrnas.attacks.norms import per_image, take
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.victim import Victim


class Best:
    """Keeps per image the candidate that reaches the goal, and among equals the one with the highest loss.

    Starts as the clean images, so a loss that is never a number changes nothing.
    """

    def __init__(self, images: Tensor) -> None:
        self.images = images
        self.reached = torch.zeros(images.shape[0], dtype=torch.bool, device=images.device)
        self._losses = torch.full((images.shape[0],), -torch.inf, dtype=images.dtype, device=images.device)

    def offer(self, candidates: Tensor, losses: Tensor, logits: Tensor, goal: Goal) -> None:
        """Take the candidates that are better than what is kept."""
        self._take(candidates, losses, goal.reached(logits))

    def remaining(self, victim: Victim) -> Tensor:
        """Return the rows still to be attacked: those not yet won, or all while any is left if images influence others.

        Reads the device once.
        """
        if victim.separable or victim.all_won(self.reached):
            return torch.nonzero(~self.reached)[:, 0]
        return torch.arange(self.reached.shape[0], device=self.reached.device)

    def select(self, rows: Tensor) -> Best:
        """Return what is kept for some of the images."""
        part = Best(take(self.images, rows))
        part.reached, part._losses = self.reached[rows], self._losses[rows]
        return part

    def merge(self, rows: Tensor, other: Best) -> None:
        """Take what an attack on some rows found."""
        part = self.select(rows)
        part._take(other.images, other._losses, other.reached)
        self.images = self.images.index_copy(0, rows, part.images)
        self.reached = self.reached.index_copy(0, rows, part.reached)
        self._losses = self._losses.index_copy(0, rows, part._losses)

    def _take(self, candidates: Tensor, losses: Tensor, reached: Tensor) -> None:
        losses = losses.to(self._losses)
        better = (reached & ~self.reached) | ((reached == self.reached) & (losses > self._losses))
        self.images = torch.where(per_image(better), candidates, self.images)
        self._losses = torch.where(better, losses, self._losses)
        self.reached = self.reached | reached

"""Losses as normal scores: what a Gaussian process can model when a few architectures are far worse than the rest."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

TAIL = 0.1
"""The share of the labels whose slope continues the map beyond the best and the worst label."""


class NormalScores:
    """A monotone map per head between losses and normal scores: the i-th of N sorted labels has score Φ⁻¹((i−½)/N).

    Equal labels are put in the order of the head before them, the next weaker strength: where an attack leaves nothing
    right, the architecture that is better under a weaker one is the likelier to be better under a little less than
    this. Equal labels of the first head share the mean of their scores. `restore` interpolates linearly between the
    labels and extrapolates beyond them with the slope of the outer tenth.
    """

    def __init__(self, losses: Float[Tensor, "N S"]) -> None:
        count = len(losses)
        positions = (torch.arange(count, dtype=torch.float64) + 0.5) / count
        self.grid = torch.special.ndtri(positions)
        self.levels = losses.double().sort(dim=0).values
        self.scores = torch.empty_like(self.levels)
        order = losses[:, 0].argsort(stable=True)
        self.scores[order, 0] = self._shared()
        for head in range(1, losses.shape[1]):
            weaker = self.scores[:, head - 1].argsort(stable=True)
            order = weaker[losses[weaker, head].argsort(stable=True)]
            self.scores[order, head] = self.grid

    def _shared(self) -> Tensor:
        """Return the scores of the first head's sorted labels; equal labels share the mean of theirs."""
        _, group, counts = torch.unique_consecutive(self.levels[:, 0], return_inverse=True, return_counts=True)
        sums = torch.zeros(len(counts), dtype=torch.float64).index_add_(0, group, self.grid)
        return (sums / counts)[group]

    def restore(self, scores: Float[Tensor, "M S"]) -> Float[Tensor, "M S"]:
        """Return the losses of normal scores; differentiable, increasing."""
        count = len(self.grid)
        if count == 1:
            return self.levels + scores
        right = torch.searchsorted(self.grid, scores.detach().contiguous()).clamp(1, count - 1)
        left = right - 1
        low, high = self.levels.gather(0, left), self.levels.gather(0, right)
        share = (scores - self.grid[left]) / (self.grid[right] - self.grid[left])
        inside = low + share.clamp(0, 1) * (high - low)
        below = (scores - self.grid[0]).clamp(max=0.0) * self._slope(0, self._reach())
        above = (scores - self.grid[-1]).clamp(min=0.0) * self._slope(count - 1 - self._reach(), count - 1)
        return inside + below + above

    def _reach(self) -> int:
        count = len(self.grid)
        return min(max(2, int(TAIL * count)), count - 1)

    def _slope(self, first: int, last: int) -> Float[Tensor, "S"]:
        rise = self.levels[last] - self.levels[first]
        return (rise / (self.grid[last] - self.grid[first])).clamp_min(1e-9)

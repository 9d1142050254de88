"""Targets of a loss estimator, brought to mean 0 and deviation 1 head by head."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse


class TargetScale(NamedTuple):
    """Mean and deviation (S,) of the labelled losses; `centre + spread * z` undoes the standardisation."""

    centre: Float[Tensor, "S"]
    spread: Float[Tensor, "S"]

    @staticmethod
    def identity(num_losses: int) -> TargetScale:
        """Leave the losses as they are."""
        return TargetScale(torch.zeros(num_losses), torch.ones(num_losses))

    @staticmethod
    def of(losses: Float[Tensor, "N S"]) -> TargetScale:
        """Measure it; a head whose labels are all alike keeps its own units."""
        spread = losses.std(dim=0, correction=0)
        return TargetScale(losses.mean(dim=0), torch.where(spread > 1e-8, spread, torch.ones_like(spread)))

    def standardise(self, losses: Float[Tensor, "N S"]) -> Float[Tensor, "N S"]:
        """Return z with `losses = centre + spread * z`."""
        return (losses - self.centre) / self.spread


def check_labels(encodings: Tensor, losses: Tensor, weights: Tensor | None, shape: tuple[int, int, int]) -> Tensor:
    """Return the weights to use, or refuse labels that do not fit an estimator of (edges, operations, losses).

    Raises:
        InputError: shapes that disagree, no labels at all, or losses that are not finite.
    """
    edges, operations, heads = shape
    if encodings.ndim != 3 or tuple(encodings.shape[1:]) != (edges, operations) or not len(encodings):
        refuse("encodings", expected=f"shape (N >= 1, {edges}, {operations})", got=tuple(encodings.shape))
    if tuple(losses.shape) != (len(encodings), heads):
        refuse("losses", expected=f"shape ({len(encodings)}, {heads})", got=tuple(losses.shape))
    if not bool(torch.isfinite(losses).all()):
        remedy = "drop the architecture whose training diverged"
        refuse("losses", expected="finite losses", got="not-a-number or infinity", remedy=remedy)
    if weights is None:
        return torch.ones(len(encodings))
    if tuple(weights.shape) != (len(encodings),) or not bool((weights >= 0).all()) or float(weights.sum()) <= 0:
        refuse("weights", expected=f"{len(encodings)} weights >= 0 that are not all 0", got=tuple(weights.shape))
    return weights / weights.mean()

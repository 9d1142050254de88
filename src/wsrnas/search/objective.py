"""Eq. 10: what the search minimises."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse


@dataclass(frozen=True, kw_only=True)
class SearchObjective:
    """α·L₀ + β·Σᵢ βᵢ·Lᵢ with α+β = 1, Σβᵢ = 1, all > 0 (Eq. 10); lower is better.

    Differs from the released code: linear in the losses, where the code squares each of them; and every loss is a mean
    per image, where the code's robust losses are 64 times too small.
    """

    clean_weight: float
    robust_weight: float
    strength_weights: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("clean_weight", "robust_weight"):
            if not getattr(self, name) > 0:
                refuse(name, expected="a weight > 0", got=getattr(self, name))
        total = self.clean_weight + self.robust_weight
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            remedy = f"use {self.clean_weight / total:.4g} and {self.robust_weight / total:.4g}"
            refuse("clean_weight + robust_weight", expected="a sum of 1", got=f"{total:g}", remedy=remedy)
        if not self.strength_weights or any(not weight > 0 for weight in self.strength_weights):
            refuse("strength_weights", expected="one weight > 0 per strength", got=self.strength_weights)
        total = sum(self.strength_weights)
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            normalised = ", ".join(f"{weight / total:.4g}" for weight in self.strength_weights)
            refuse("strength_weights", expected="a sum of 1", got=f"{total:g}", remedy=f"use {normalised}")

    def coefficients(self) -> Float[Tensor, "S"]:
        """Return the weight of each loss, index 0 clean."""
        return torch.tensor([self.clean_weight, *(self.robust_weight * w for w in self.strength_weights)])

    def __call__(self, losses: Float[Tensor, "*batch S"]) -> Float[Tensor, "*batch"]:
        """Return the objective of one loss vector or of a batch of them."""
        if losses.shape[-1] != 1 + len(self.strength_weights):
            refuse("losses", expected=f"{1 + len(self.strength_weights)} per architecture", got=losses.shape[-1])
        return losses @ self.coefficients().to(losses)

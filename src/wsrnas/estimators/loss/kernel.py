"""How alike two architectures are: the Matérn kernel on groups of features."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def spread(group: Float[Tensor, "N F"]) -> Float[Tensor, ""]:
    """Return the root mean square distance between two rows; 1 where all are alike."""
    distance = (2 * group.var(dim=0, correction=0).sum()).sqrt()
    return torch.where(distance > 1e-8, distance, torch.ones_like(distance))


def squared_distances(x: Float[Tensor, "M D"], y: Float[Tensor, "N D"]) -> Float[Tensor, "M N"]:
    """Return ‖x−y‖² of every pair."""
    squares = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)[None]
    return (squares - 2 * x @ y.T).clamp_min(0.0)


def matern(squares: list[Tensor], lengths: tuple[float, ...]) -> Tensor:
    """Return (1 + r + r²/3)·exp(−r) with r² = 5·Σ_g squares_g/ℓ_g²; differentiable where two points meet.

    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, Eq. 4.17.
    """
    total = torch.stack([square / length**2 for square, length in zip(squares, lengths)]).sum(dim=0)
    r = (5 * total + 1e-12).sqrt()
    return (1 + r + r.square() / 3) * torch.exp(-r)

"""How well ψ ranks architectures it has not seen."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse


def _pairs(x: Float[Tensor, "N"], y: Float[Tensor, "N"]) -> tuple[Tensor, Tensor]:
    upper = torch.triu_indices(len(x), len(x), offset=1)
    return (x[upper[0]] - x[upper[1]]).sign(), (y[upper[0]] - y[upper[1]]).sign()


def kendall(x: Float[Tensor, "N"], y: Float[Tensor, "N"]) -> float:
    """Kendall's τ_b: (concordant − discordant) / √((pairs untied in x)(pairs untied in y)); 0 where all are tied."""
    if x.shape != y.shape or len(x) < 2:
        refuse("x, y", expected="two vectors of one length >= 2", got=(tuple(x.shape), tuple(y.shape)))
    left, right = _pairs(x.double(), y.double())
    untied = float(left.abs().sum() * right.abs().sum()) ** 0.5
    return float((left * right).sum()) / untied if untied else 0.0


def ranks(x: Float[Tensor, "N"]) -> Float[Tensor, "N"]:
    """Return ranks from 1; ties share their mean rank."""
    _, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    return (last - (counts - 1) / 2)[inverse]


def spearman(x: Float[Tensor, "N"], y: Float[Tensor, "N"]) -> float:
    """Spearman's ρ: the correlation of the ranks; 0 where all are tied."""
    if x.shape != y.shape or len(x) < 2:
        refuse("x, y", expected="two vectors of one length >= 2", got=(tuple(x.shape), tuple(y.shape)))
    left, right = ranks(x) - (len(x) + 1) / 2, ranks(y) - (len(y) + 1) / 2
    spread = float(left.norm() * right.norm())
    return float(left @ right) / spread if spread else 0.0


def kendall_per_head(predicted: Float[Tensor, "N S"], measured: Float[Tensor, "N S"]) -> list[float]:
    """Return τ of each loss, index 0 clean, on architectures ψ was not fitted to."""
    return [kendall(x, y) for x, y in zip(predicted.unbind(1), measured.unbind(1))]


def spearman_per_head(predicted: Float[Tensor, "N S"], measured: Float[Tensor, "N S"]) -> list[float]:
    """Return ρ of each loss, index 0 clean, on architectures ψ was not fitted to."""
    return [spearman(x, y) for x, y in zip(predicted.unbind(1), measured.unbind(1))]

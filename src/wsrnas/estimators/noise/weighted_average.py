"""WA-ANE: the weighted average of the two known noises next to the wanted strength (Eq. 6)."""

from __future__ import annotations

from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.estimators.noise.base import NoiseEstimator, Strengths, WantedNoises, WantedStrengths
from wsrnas.types import Images, Noises, Norm

Weights = Literal["paper", "linear"]


def neighbours(known: Strengths, wanted: WantedStrengths) -> tuple[Tensor, Tensor]:
    """Return the positions (B,N2) of ε⁻ and ε⁺, the known strengths with ε⁻ ≤ ε̂ ≤ ε⁺ next to each wanted one.

    ε⁻ is -1 below the known range and ε⁺ is N1 above it; both name the same noise where ε̂ is itself known.
    """
    lower = (known[:, None, :] <= wanted[:, :, None]).sum(dim=2) - 1
    upper = (known[:, None, :] < wanted[:, :, None]).sum(dim=2)
    return lower, upper


def average_weights(known: Strengths, wanted: WantedStrengths, weights: Weights) -> Float[Tensor, "B M N"]:
    """Return the weight of every known noise in every average: Eq. 6 between two noises, ε̂/ε_end outside the range."""
    count = known.shape[1]
    lower, upper = neighbours(known, wanted)
    low, high = lower.clamp_min(0), upper.clamp_max(count - 1)
    strength_low, strength_high = known.gather(1, low), known.gather(1, high)
    width = (strength_high - strength_low).clamp_min(1e-12)
    from_low, from_high = (wanted - strength_low).abs() / width, (wanted - strength_high).abs() / width
    if weights == "linear":
        from_low, from_high = from_high, from_low
    alone = low == high
    from_low = torch.where(alone, wanted / strength_low, from_low)
    from_high = torch.where(alone, torch.zeros_like(wanted), from_high)
    mixing = known.new_zeros(*wanted.shape, count)
    mixing.scatter_add_(2, low[:, :, None], from_low[:, :, None])
    return mixing.scatter_add_(2, high[:, :, None], from_high[:, :, None])


def weighted_average(known_noise: Noises, known: Strengths, wanted: WantedStrengths, weights: Weights) -> WantedNoises:
    """Average the known noises for every wanted strength (unprojected)."""
    return torch.einsum("bmn,bnchw->bmchw", average_weights(known, wanted, weights), known_noise)


@final
class WeightedAverage(NoiseEstimator):
    """Average the two known noises whose strengths surround the wanted one (WA-ANE, Eq. 6); nothing is learned.

    ``paper``: δ̂ = |ε̂−ε⁻|/(ε⁺−ε⁻)·δ_ε⁻ + |ε⁺−ε̂|/(ε⁺−ε⁻)·δ_ε⁺, as printed: the noise *farther* from ε̂ weighs more.
    ``linear``: the two weights change places, which is linear interpolation. Outside the known range both scale the
    noise at the end of the range by ε̂/ε_end; a strength that is known returns its noise.

    Source: Cheng et al., AAAI 2023, Eq. 6.
    Differs from the paper: the estimate is projected to its ball and to valid pixels.
    Differs from the released code: it averages unit-L2 noises after a random convolution, returns exactly zero outside
    the range, and never scales back to the wanted strength.
    """

    def __init__(self, *, weights: Weights = "linear", norm: Norm = "Linf") -> None:
        super().__init__(norm=norm)
        if weights not in ("paper", "linear"):
            refuse("weights", expected="'paper' or 'linear'", got=weights)
        self.weights: Weights = weights

    def estimate(
        self, images: Images, known_noise: Noises, known_strengths: Strengths, wanted_strengths: WantedStrengths
    ) -> WantedNoises:
        return weighted_average(known_noise, known_strengths, wanted_strengths, self.weights)

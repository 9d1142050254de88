"""plus-ANE: E-ANE deeper and wider, for many wanted strengths (Wsr-NAS-Plus: three known, eight estimated)."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from wsrnas.estimators.noise.attention import STRENGTH_UNIT
from wsrnas.estimators.noise.base import WantedNoises
from wsrnas.estimators.noise.encoding import Block, FeatureMapANE, MapAttention
from wsrnas.estimators.noise.weighted_average import Weights
from wsrnas.types import Norm


def separable_block(width: int, depth: int) -> Block:
    """Return a maker of `depth` inverted bottlenecks: 1×1 to `width`, 3×3 per channel, 1×1 back (MobileNetV2)."""

    def make(inputs: int, outputs: int) -> nn.Module:
        layers: list[nn.Module] = []
        for index in range(depth):
            last = index == depth - 1
            layers += [
                nn.Conv2d(inputs, width, 1),
                nn.GroupNorm(1, width),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1, groups=width),
                nn.GroupNorm(1, width),
                nn.ReLU(),
                nn.Conv2d(width, outputs if last else inputs, 1),
            ]
        return nn.Sequential(*layers)

    return make


@final
class PlusANE(FeatureMapANE):
    """plus-ANE: E-ANE with `depth` depthwise-separable bottlenecks of `width` channels in place of two convolutions.

    δ̂_ε̂ = ε̂·Σᵢ softmax(K q/√d)ᵢ·vᵢ + δ̄_ε̂, for any number of wanted strengths at once. GroupNorm keeps one image's
    estimate independent of the batch it is in. Arguments as `EANE`, and `depth`.

    Source: Cheng et al., AAAI 2023 (Wsr-NAS-Plus, N1=3, N2=8); width from the released code.
    Differs from the released code: GroupNorm for BatchNorm (there, estimates depend on the batch and on train/eval
    mode), and all that `EANE` lists.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        weights: Weights = "linear",
        width: int = 300,
        depth: int = 2,
        state_channels: int = 8,
        strength_channels: int = 8,
        query_size: int = 50,
        grid: int = 1,
        strength_unit: float = STRENGTH_UNIT,
    ) -> None:
        block, colours = separable_block(width, depth), image_shape[0]
        super().__init__(
            colours,
            block,
            norm=norm,
            weights=weights,
            state_channels=state_channels,
            strength_channels=strength_channels,
            strength_unit=strength_unit,
        )
        self.attention = MapAttention(2 * state_channels, colours, size=query_size, grid=grid, block=block)

    def drawn(self, known_states: Tensor, asked_states: Tensor) -> WantedNoises:
        """Return Σᵢ softmax(K q/√d)ᵢ·vᵢ."""
        attended: Tensor = self.attention(known_states, asked_states)
        return attended

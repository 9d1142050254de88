"""plus-ANE: E-ANE deeper and wider, for many wanted strengths (Wsr-NAS-Plus: three known, eight estimated)."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from wsrnas.estimators.noise.base import WantedNoises
from wsrnas.estimators.noise.encoding import FeatureMapANE, compared_channels
from wsrnas.estimators.noise.form import Form, average_of, check_form, only_corrected
from wsrnas.estimators.noise.maps import Block, MapAttention, Pieces
from wsrnas.estimators.noise.weighted_average import Weights
from wsrnas.types import Norm


def bottleneck_block(width: int, depth: int) -> Block:
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
        return Pieces(*layers)

    return make


def released_block(width: int) -> Block:
    """Return a maker of the released code's layers: 3×3 to `width`, then 1×1, 3×3 per channel and 1×1 on the outputs.

    Differs from the released code: GroupNorm for BatchNorm, and none at the end, where it would set the size of the
    noises.
    """
    return lambda inputs, outputs: Pieces(
        nn.GroupNorm(1, inputs),
        nn.Conv2d(inputs, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, outputs, 1, bias=False),
        nn.GroupNorm(1, outputs),
        nn.ReLU6(),
        nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False),
        nn.GroupNorm(1, outputs),
        nn.ReLU6(),
        nn.Conv2d(outputs, outputs, 1),
    )


@final
class PlusANE(FeatureMapANE):
    """plus-ANE: E-ANE with wide depthwise-separable blocks in place of two convolutions.

    δ̂_ε̂ = Σᵢ softmax(K q)ᵢ·vᵢ + δ̄_ε̂, for any number of wanted strengths at once. Arguments and forms as `EANE`; the
    blocks are those of the released code in the printed form, and `depth` bottlenecks (None takes 2) of `width`
    channels in the corrected one. GroupNorm keeps one image's estimate independent of the batch it is in.

    It is slow: with three known noises an estimate runs 12 (corrected 15) blocks, each with `width` maps of the size of
    the image, where A-ANE has one such block and small convolutions. That is work; what was waste is in `Pieces`.

    Source: Cheng et al., AAAI 2023 (Wsr-NAS-Plus, N1=3, N2=8); width from the released code.
    The paper does not print its layers.
    Differs from the paper: as `EANE`.
    Differs from the released code: GroupNorm for BatchNorm (there, estimates depend on the batch and on train/eval
    mode), and all that `EANE` lists.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        form: Form = "corrected",
        weights: Weights | None = None,
        width: int = 300,
        depth: int | None = None,
        state_channels: int = 8,
        strength_channels: int = 8,
        query_size: int | None = None,
        grid: int = 1,
    ) -> None:
        check_form(form)
        count = only_corrected(form, "depth", depth, 2, why="whose blocks are those of the released code")
        block = released_block(width) if form == "printed" else bottleneck_block(width, count)
        colours = image_shape[0]
        super().__init__(
            colours,
            block,
            norm=norm,
            form=form,
            weights=average_of(form, weights),
            state_channels=state_channels,
            strength_channels=strength_channels,
        )
        size = compared_channels(form, query_size, state_channels)
        self.attention = MapAttention(2 * state_channels, colours, size=size, grid=grid, form=form, block=block)

    def drawn(self, known_states: Tensor, asked_states: Tensor) -> WantedNoises:
        """Return Σᵢ softmax(K q)ᵢ·vᵢ."""
        attended: Tensor = self.attention(known_states, asked_states)
        return attended

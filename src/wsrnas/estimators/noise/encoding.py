"""E-ANE and E-ANE⁻: the hidden states of the RNN are feature maps of the image's size."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from wsrnas.estimators.noise.attention import STRENGTH_UNIT, StrengthEncoder, in_units, per_unit, pick
from wsrnas.estimators.noise.base import NoiseEstimator, Strengths, WantedNoises, WantedStrengths
from wsrnas.estimators.noise.weighted_average import Weights, neighbours, weighted_average
from wsrnas.types import Images, Noises, Norm

Block = Callable[[int, int], nn.Module]
"""Makes a module from maps with the first number of channels to maps with the second, of the same size."""


def plain_block(width: int) -> Block:
    """Return a maker of convolution, ReLU, convolution, with `width` channels between."""
    return lambda inputs, outputs: nn.Sequential(
        nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, outputs, 3, padding=1)
    )


class FeatureMapRNN(nn.Module):
    """Read the known noises in both directions into feature maps, and take one more step at the wanted strength.

    The state starts as a convolution of the image; a step sees the state, a map of the strength's encoding and the
    noise, which is zero in the step at the wanted strength.
    """

    def __init__(self, colours: int, *, state_channels: int, strength_channels: int, unit: float, block: Block) -> None:
        super().__init__()
        self.colours = colours
        self.encode_strength = StrengthEncoder(strength_channels, unit)
        self.start = nn.Conv2d(colours, state_channels, 3, padding=1)
        self.step_forward = block(state_channels + strength_channels + colours, state_channels)
        self.step_backward = block(state_channels + strength_channels + colours, state_channels)

    def _seen(self, state: Tensor, strengths: Tensor, noise: Tensor) -> Tensor:
        """Join state, strength and noise along the channels; leading dimensions alike."""
        encoded = self.encode_strength(strengths)[..., None, None]
        return torch.cat([state, encoded.expand(*encoded.shape[:-2], *state.shape[-2:]), noise], dim=-3)

    def forward(
        self, images: Images, units: Noises, known: Strengths, wanted: WantedStrengths
    ) -> tuple[Tensor, Tensor]:
        """Return the pairs of states at the known noises (B,N1,2S,H,W) and at the wanted strengths (B,N2,2S,H,W)."""
        start = torch.relu(self.start(images))
        rising, falling = [start], [start]
        for i in range(units.shape[1]):
            seen = self._seen(rising[-1], known[:, i], units[:, i])
            rising.append(torch.relu(self.step_forward(seen)))
        for i in reversed(range(units.shape[1])):
            seen = self._seen(falling[0], known[:, i], units[:, i])
            falling.insert(0, torch.relu(self.step_backward(seen)))
        ahead, back = torch.stack(rising, dim=1), torch.stack(falling, dim=1)
        lower, upper = neighbours(known, wanted)
        slot = units.new_zeros(*wanted.shape, self.colours, *units.shape[-2:])
        asked = []
        for step, before in ((self.step_forward, pick(ahead, lower + 1)), (self.step_backward, pick(back, upper))):
            seen = self._seen(before, wanted, slot).flatten(0, 1)
            asked.append(torch.relu(step(seen)).unflatten(0, wanted.shape))
        return torch.cat([ahead[:, 1:], back[:, :-1]], dim=2), torch.cat(asked, dim=2)


class MapAttention(nn.Module):
    """Attend from the states at the wanted strengths to those at the known noises; values are maps."""

    def __init__(self, pair_channels: int, colours: int, *, size: int, grid: int, block: Block) -> None:
        super().__init__()
        self.query = self._compress(pair_channels, size, grid, block)
        self.key = self._compress(pair_channels, size, grid, block)
        self.value = block(pair_channels, colours)

    @staticmethod
    def _compress(channels: int, size: int, grid: int, block: Block) -> nn.Module:
        return nn.Sequential(block(channels, size), nn.AdaptiveMaxPool2d(grid), nn.Flatten(1))

    def forward(self, known: Tensor, asked: Tensor) -> Tensor:
        """Return Σ softmax(q·k/√d)·v: (B,N2,C,H,W)."""
        keys = self.key(known.flatten(0, 1)).unflatten(0, known.shape[:2])
        queries = self.query(asked.flatten(0, 1)).unflatten(0, asked.shape[:2])
        values = self.value(known.flatten(0, 1)).unflatten(0, known.shape[:2])
        attention = torch.softmax(queries @ keys.transpose(1, 2) / math.sqrt(keys.shape[2]), dim=2)
        return torch.einsum("bmn,bnchw->bmchw", attention, values)


class FeatureMapANE(NoiseEstimator):
    """What E-ANE, E-ANE⁻ and plus-ANE share: δ̂_ε̂ = ε̂·drawn + δ̄_ε̂, drawn from feature maps for hidden states."""

    needs_training: ClassVar[bool] = True

    def __init__(
        self,
        colours: int,
        block: Block,
        *,
        norm: Norm,
        weights: Weights,
        state_channels: int,
        strength_channels: int,
        strength_unit: float,
    ) -> None:
        super().__init__(norm=norm)
        self.weights: Weights = weights
        self.states = FeatureMapRNN(
            colours,
            state_channels=state_channels,
            strength_channels=strength_channels,
            unit=strength_unit,
            block=block,
        )

    @abstractmethod
    def drawn(self, known_states: Tensor, asked_states: Tensor) -> WantedNoises:
        """Return noises in units of their strength (B,N2,C,H,W) from the pairs of states (B,N1 or N2,2S,H,W)."""

    def estimate(
        self, images: Images, known_noise: Noises, known_strengths: Strengths, wanted_strengths: WantedStrengths
    ) -> WantedNoises:
        units = in_units(known_noise, known_strengths, self.norm)
        drawn = self.drawn(*self.states(images, units, known_strengths, wanted_strengths))
        scale = per_unit(wanted_strengths, images[0].numel(), self.norm)
        return scale * drawn + weighted_average(known_noise, known_strengths, wanted_strengths, self.weights)


@final
class EANE(FeatureMapANE):
    """E-ANE: as A-ANE, with feature maps for hidden states, and attention over maps (values from pairs of states).

    δ̂_ε̂ = ε̂·Σᵢ softmax(K q/√d)ᵢ·vᵢ + δ̄_ε̂.

    Args:
        image_shape: (C,H,W); only C matters, any H and W will do.
        width: channels inside each convolution block.
        state_channels: channels of the hidden states.
        strength_channels: channels of the map of the strength's encoding.
        query_size: keys and queries have query_size·grid² numbers.
        grid: side of what they are pooled to.
        weights: of Eq. 6.
        strength_unit: strengths are divided by this before they are encoded.

    Source: Cheng et al., AAAI 2023, the ablation of Table 5; sizes from the released code.
    Differs from the paper: noises in units of their strength, attention scaled by 1/√d, estimates projected.
    Differs from the released code: the state starts from a convolution of the image and not the image itself; the
    strength is a constant map and not a learned picture; both neighbours get their own weight in the average; values
    may be negative (no ReLU at the end); the average is not zero above the known range.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        weights: Weights = "linear",
        width: int = 100,
        state_channels: int = 8,
        strength_channels: int = 8,
        query_size: int = 50,
        grid: int = 1,
        strength_unit: float = STRENGTH_UNIT,
    ) -> None:
        block, colours = plain_block(width), image_shape[0]
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


@final
class EANEMinus(FeatureMapANE):
    """E-ANE⁻: E-ANE without attention; δ̂_ε̂ = ε̂·conv(the two states at ε̂) + δ̄_ε̂.

    Arguments as `EANE`. Source: Cheng et al., AAAI 2023, the ablation of Table 5.
    Differs from the released code: the weighted average is added, as in the other designs (the code leaves it out
    here, and trains this design for 8 times as many steps as A-ANE).
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        weights: Weights = "linear",
        width: int = 100,
        state_channels: int = 8,
        strength_channels: int = 8,
        strength_unit: float = STRENGTH_UNIT,
    ) -> None:
        block, colours = plain_block(width), image_shape[0]
        super().__init__(
            colours,
            block,
            norm=norm,
            weights=weights,
            state_channels=state_channels,
            strength_channels=strength_channels,
            strength_unit=strength_unit,
        )
        self.out = block(2 * state_channels, colours)

    def drawn(self, known_states: Tensor, asked_states: Tensor) -> WantedNoises:
        """Return conv(the two states at ε̂)."""
        return self.out(asked_states.flatten(0, 1)).unflatten(0, asked_states.shape[:2])

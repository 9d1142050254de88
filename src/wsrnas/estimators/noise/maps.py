"""Networks on maps of the image's size: what E-ANE, E-ANE⁻ and plus-ANE are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from wsrnas.estimators.noise.base import Strengths, WantedStrengths
from wsrnas.estimators.noise.form import Form, StrengthEncoder, attend, pick
from wsrnas.estimators.noise.weighted_average import neighbours
from wsrnas.types import Images, Noises

Block = Callable[[int, int], nn.Module]
"""Makes a module from maps with the first number of channels to maps with the second, of the same size."""
PIXELS = 2048
"""Pixels (of all images of a piece together) whose maps of some hundred channels stay in a processor's cache."""


@final
class Pieces(nn.Sequential):
    """Layers run on a few images at a time, channels last; equal to the layers themselves up to float order.

    No layer may mix images. A block's inputs and outputs have a dozen channels and its inner maps hundreds: on a whole
    batch these are fetched from memory again for every layer. Pieces that fit the cache are 1.5 to 5 times as fast on a
    CPU, the more the larger the images; other devices get the batch as it is.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps (B,C',H,W) of maps (B,C,H,W)."""
        if maps.device.type != "cpu":
            return self._whole(maps)
        images = max(1, PIXELS // (maps.shape[2] * maps.shape[3]))
        pieces = maps.contiguous(memory_format=torch.channels_last).split(images)
        return torch.cat([self._whole(piece) for piece in pieces])

    def _whole(self, maps: Tensor) -> Tensor:
        for layer in self:
            maps = layer(maps)
        return maps


def plain_block(width: int) -> Block:
    """Return a maker of convolution, ReLU, convolution, with `width` channels between."""
    return lambda inputs, outputs: Pieces(
        nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, outputs, 3, padding=1)
    )


class FeatureMapRNN(nn.Module):
    """Read the known noises in both directions into feature maps, and take one more step at the wanted strength.

    The state starts as a convolution of the image; a step sees the state, a map of the strength's encoding and the
    noise, which is zero in the step at the wanted strength.
    """

    def __init__(self, colours: int, *, state_channels: int, strength_channels: int, form: Form, block: Block) -> None:
        super().__init__()
        self.colours = colours
        self.encode_strength = StrengthEncoder(strength_channels, form)
        self.start = nn.Conv2d(colours, state_channels, 3, padding=1)
        self.step_forward = block(state_channels + strength_channels + colours, state_channels)
        self.step_backward = block(state_channels + strength_channels + colours, state_channels)

    def _seen(self, state: Tensor, strengths: Tensor, noise: Tensor) -> Tensor:
        """Join state, strength and noise along the channels; leading dimensions alike."""
        encoded = self.encode_strength(strengths)[..., None, None]
        return torch.cat([state, encoded.expand(*encoded.shape[:-2], *state.shape[-2:]), noise], dim=-3)

    def forward(
        self, images: Images, noises: Noises, known: Strengths, wanted: WantedStrengths
    ) -> tuple[Tensor, Tensor]:
        """Return the pairs of states at the known noises (B,N1,2S,H,W) and at the wanted strengths (B,N2,2S,H,W)."""
        start = torch.relu(self.start(images))
        rising, falling = [start], [start]
        for i in range(noises.shape[1]):
            seen = self._seen(rising[-1], known[:, i], noises[:, i])
            rising.append(torch.relu(self.step_forward(seen)))
        for i in reversed(range(noises.shape[1])):
            seen = self._seen(falling[0], known[:, i], noises[:, i])
            falling.insert(0, torch.relu(self.step_backward(seen)))
        ahead, back = torch.stack(rising, dim=1), torch.stack(falling, dim=1)
        lower, upper = neighbours(known, wanted)
        slot = noises.new_zeros(*wanted.shape, self.colours, *noises.shape[-2:])
        asked = []
        for step, before in ((self.step_forward, pick(ahead, lower + 1)), (self.step_backward, pick(back, upper))):
            seen = self._seen(before, wanted, slot).flatten(0, 1)
            asked.append(torch.relu(step(seen)).unflatten(0, wanted.shape))
        return torch.cat([ahead[:, 1:], back[:, :-1]], dim=2), torch.cat(asked, dim=2)


class MapAttention(nn.Module):
    """Attend from the states at the wanted strengths to those at the known noises; values are maps.

    Maps are compared as vectors, their largest values over a grid. Keys are the pairs of states, through a block to
    `size` channels in the corrected form and as they are in the printed one.
    """

    def __init__(self, pair_channels: int, colours: int, *, size: int, grid: int, form: Form, block: Block) -> None:
        super().__init__()
        self.form: Form = form
        pool = (nn.AdaptiveMaxPool2d(grid), nn.Flatten(1))
        self.query = nn.Sequential(block(pair_channels, size), *pool)
        self.key = nn.Sequential(*(() if form == "printed" else (block(pair_channels, size),)), *pool)
        self.value = block(pair_channels, colours)

    def forward(self, known: Tensor, asked: Tensor) -> Tensor:
        """Return Σ softmax(K q)·v: (B,N2,C,H,W)."""
        keys = self.key(known.flatten(0, 1)).unflatten(0, known.shape[:2])
        queries = self.query(asked.flatten(0, 1)).unflatten(0, asked.shape[:2])
        values = self.value(known.flatten(0, 1)).unflatten(0, known.shape[:2])
        return torch.einsum("bmn,bnchw->bmchw", attend(queries, keys, self.form), values)

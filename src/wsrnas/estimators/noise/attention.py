"""A-ANE: a bidirectional RNN over the known noises, attention over them, and the weighted average (Eq. 7, Fig. 2)."""

from __future__ import annotations

import math
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wsrnas.estimators.noise.base import NoiseEstimator, Strengths, WantedNoises, WantedStrengths
from wsrnas.estimators.noise.weighted_average import Weights, neighbours, weighted_average
from wsrnas.types import Images, Noises, Norm

STRENGTH_UNIT = 0.1


class CPR(nn.Module):
    """Convolution, pooling, ReLU: compress images (B,C,H,W) to (B, channels·grid²), whatever H and W.

    At 32×32 the stride is 4, as in the released code; smaller images are read with smaller strides.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, channels: int, grid: int) -> None:
        super().__init__()
        colours, height, width = image_shape
        stride = max(1, min(height, width) // 8)
        self.convolution = nn.Conv2d(colours, channels, max(5, stride + 1), stride=stride, padding=2)
        self.pool = nn.AdaptiveMaxPool2d(grid)

    def forward(self, images: Images) -> Float[Tensor, "B features"]:
        """Return the compressed images."""
        return torch.relu(self.pool(self.convolution(images))).flatten(1)


class StrengthEncoder(nn.Module):
    """Encode strengths (…,) as (…, size); they are divided by `unit` first, so that numbers are of order one."""

    def __init__(self, size: int, unit: float) -> None:
        super().__init__()
        self.unit = unit
        self.linear = nn.Linear(1, size)

    def forward(self, strengths: Tensor) -> Tensor:
        """Return the encodings."""
        return torch.relu(self.linear(strengths[..., None] / self.unit))


def in_units(known_noise: Noises, known: Strengths, norm: Norm) -> Noises:
    """Divide noises by their strengths, so that pixels are of order one: within ±1 (L∞), of mean square 1 (L2)."""
    unit = known_noise / known[:, :, None, None, None]
    return unit if norm == "Linf" else unit * math.sqrt(known_noise[0, 0].numel())


def per_unit(wanted: WantedStrengths, numel: int, norm: Norm) -> Tensor:
    """Return the factor (B,N2,1,1,1) that turns noises in units back to the wanted strengths."""
    return (wanted if norm == "Linf" else wanted / math.sqrt(numel))[:, :, None, None, None]


def pick(states: Tensor, position: Tensor) -> Tensor:
    """Return states (B,S,…) at positions (B,N2)."""
    return states[torch.arange(len(states), device=states.device)[:, None], position]


@final
class AANE(NoiseEstimator):
    """A-ANE: δ̂_ε̂ = Σᵢ aᵢ·vᵢ + δ̄_ε̂ with a = softmax(K q/√d) (Eq. 7), δ̄ the weighted average of Eq. 6.

    Every known noise is compressed by a CPR module and joined with the encoding of its strength; an RNN reads the
    sequence in both directions from a state encoded from the image. The query is one more step of each RNN at the
    wanted strength, with a zero vector in the noise slot, from the hidden state next to ε̂ on its side; keys come from
    the pairs of hidden states; values from one convolution shared by the noises.

    Args:
        image_shape: (C,H,W) of the images, any size.
        channels: of a CPR module, which gives channels·grid² numbers.
        grid: side of what such a module pools to.
        hidden: size of the hidden states.
        strength_size: size of the strength encoding.
        value_channels: width of the value convolution.
        weights: of Eq. 6, ``paper`` or ``linear``.
        strength_unit: strengths are divided by this before they are encoded.

    Source: Cheng et al., AAAI 2023, Eq. 7 and Fig. 2; sizes from the released code.
    Differs from the paper: noises enter divided by their strengths and leave multiplied by ε̂; the attention is scaled
    by 1/√d; a wanted strength below (above) all known ones is queried from the image state; estimates are projected.
    Differs from the released code: its backward RNN reads the noises forwards, its backward query reuses the forward
    weights, the query's noise slot holds neighbour states, attention has no softmax, the average is of unit-L2 noises
    and zero outside the range, and outputs are scaled to an L2 norm and never clipped.
    """

    needs_training: ClassVar[bool] = True

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        weights: Weights = "linear",
        channels: int = 10,
        grid: int = 3,
        hidden: int = 90,
        strength_size: int = 20,
        value_channels: int = 100,
        strength_unit: float = STRENGTH_UNIT,
    ) -> None:
        super().__init__(norm=norm)
        self.weights: Weights = weights
        compressed = channels * grid**2
        self.compress_image = CPR(image_shape, channels=channels, grid=grid)
        self.compress_forward = CPR(image_shape, channels=channels, grid=grid)
        self.compress_backward = CPR(image_shape, channels=channels, grid=grid)
        self.image_state = nn.Linear(compressed, hidden)
        self.encode_strength = StrengthEncoder(strength_size, strength_unit)
        self.step_forward = nn.Linear(compressed + strength_size + hidden, hidden)
        self.step_backward = nn.Linear(compressed + strength_size + hidden, hidden)
        self.query = nn.Linear(2 * hidden, 2 * hidden)
        self.key = nn.Linear(2 * hidden, 2 * hidden)
        colours = image_shape[0]
        self.value = nn.Sequential(
            nn.Conv2d(colours, value_channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(value_channels, colours, 3, padding=1),
        )

    def estimate(
        self, images: Images, known_noise: Noises, known_strengths: Strengths, wanted_strengths: WantedStrengths
    ) -> WantedNoises:
        count = known_noise.shape[1]
        units = in_units(known_noise, known_strengths, self.norm)
        encoded = self.encode_strength(known_strengths)
        start = torch.relu(self.image_state(self.compress_image(images)))
        rising, falling = [start], [start]
        for i in range(count):
            seen = torch.cat([self.compress_forward(units[:, i]), encoded[:, i], rising[-1]], dim=1)
            rising.append(torch.relu(self.step_forward(seen)))
        for i in reversed(range(count)):
            seen = torch.cat([self.compress_backward(units[:, i]), encoded[:, i], falling[0]], dim=1)
            falling.insert(0, torch.relu(self.step_backward(seen)))
        forward_states, backward_states = torch.stack(rising, dim=1), torch.stack(falling, dim=1)
        query = self._query(forward_states, backward_states, known_strengths, wanted_strengths)
        keys = self.key(torch.cat([forward_states[:, 1:], backward_states[:, :-1]], dim=2))
        attention = torch.softmax(query @ keys.transpose(1, 2) / math.sqrt(keys.shape[2]), dim=2)
        values = self.value(units.flatten(0, 1)).unflatten(0, units.shape[:2])
        attended = torch.einsum("bmn,bnchw->bmchw", attention, values)
        scale = per_unit(wanted_strengths, images[0].numel(), self.norm)
        return scale * attended + weighted_average(known_noise, known_strengths, wanted_strengths, self.weights)

    def _query(
        self, forward_states: Tensor, backward_states: Tensor, known: Strengths, wanted: WantedStrengths
    ) -> Float[Tensor, "B M Q"]:
        lower, upper = neighbours(known, wanted)
        before, after = pick(forward_states, lower + 1), pick(backward_states, upper)
        slot = before.new_zeros(*wanted.shape, self.step_forward.in_features - self._known_features())
        slot_and_strength = torch.cat([slot, self.encode_strength(wanted)], dim=2)
        ahead = torch.relu(self.step_forward(torch.cat([slot_and_strength, before], dim=2)))
        back = torch.relu(self.step_backward(torch.cat([slot_and_strength, after], dim=2)))
        return self.query(torch.cat([ahead, back], dim=2))

    def _known_features(self) -> int:
        return self.encode_strength.linear.out_features + self.step_forward.out_features

"""A-ANE: a bidirectional RNN over the known noises, attention over them, and the weighted average (Eq. 7, Fig. 2)."""

from __future__ import annotations

from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wsrnas.estimators.noise.base import NoiseEstimator, Strengths, WantedNoises, WantedStrengths
from wsrnas.estimators.noise.form import (
    Form,
    StrengthEncoder,
    attend,
    average_of,
    check_form,
    entering,
    leaving,
    only_corrected,
    pick,
)
from wsrnas.estimators.noise.weighted_average import Weights, neighbours, weighted_average
from wsrnas.types import Images, Noises, Norm


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


@final
class AANE(NoiseEstimator):
    """A-ANE: δ̂_ε̂ = Σᵢ aᵢ·vᵢ + δ̄_ε̂ with a = softmax(K q) (Eq. 7), δ̄ the weighted average of Eq. 6.

    Every known noise is compressed by a CPR module and joined with the encoding of its strength; an RNN reads the
    sequence in both directions from the compressed image. The query is one more step of each RNN at the wanted
    strength, with a zero vector in the noise slot, from the hidden state next to ε̂ on its side, through a layer; the
    keys are the pairs of hidden states; values come from one convolution shared by the noises.

    Args:
        image_shape: (C,H,W) of the images, any size.
        form: ``printed``, or ``corrected``: noises enter divided by their strengths and leave multiplied by ε̂,
            strengths enter divided by 0.1, keys and first state pass a layer, attention is softmax(K q/√d).
        weights: of Eq. 6, ``paper`` or ``linear``; None takes those of the form, as printed or linear.
        channels: of a CPR module, which gives channels·grid² numbers.
        grid: side of what such a module pools to.
        hidden: size of the hidden states; None, and the printed form, take that of a compressed image.
        strength_size: size of the strength encoding.
        value_channels: width of the value convolution.

    Source: Cheng et al., AAAI 2023, Eq. 7 and Fig. 2.
    The paper does not say, so as in the released code: all sizes, and ReLU after every step. The paper does not say
    either where a wanted strength below (above) all known ones is queried from: here the compressed image.
    Differs from the paper: ``printed``, estimates are projected; ``corrected``, that and what is listed above.
    Differs from the released code: its noises have unit L2 norm, its backward RNN reads them forwards, its backward
    query reuses the forward weights, the query's noise slot holds neighbour states, keys pass a layer, attention has no
    softmax, the average is of unit-L2 noises and zero outside the range, and outputs are scaled to an L2 norm and never
    clipped.
    """

    needs_training: ClassVar[bool] = True

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        form: Form = "corrected",
        weights: Weights | None = None,
        channels: int = 10,
        grid: int = 3,
        hidden: int | None = None,
        strength_size: int = 20,
        value_channels: int = 100,
    ) -> None:
        super().__init__(norm=norm)
        check_form(form)
        self.form: Form = form
        self.weights = average_of(form, weights)
        compressed = channels * grid**2
        size = only_corrected(form, "hidden", hidden, compressed, why=f"whose first state is the image's {compressed}")
        self.compress_image = CPR(image_shape, channels=channels, grid=grid)
        self.compress_forward = CPR(image_shape, channels=channels, grid=grid)
        self.compress_backward = CPR(image_shape, channels=channels, grid=grid)
        self.image_state = nn.Identity() if form == "printed" else nn.Linear(compressed, size)
        self.encode_strength = StrengthEncoder(strength_size, form)
        self.step_forward = nn.Linear(compressed + strength_size + size, size)
        self.step_backward = nn.Linear(compressed + strength_size + size, size)
        self.query = nn.Linear(2 * size, 2 * size)
        self.key = nn.Identity() if form == "printed" else nn.Linear(2 * size, 2 * size)
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
        seen_noise = entering(known_noise, known_strengths, self.form, self.norm)
        encoded = self.encode_strength(known_strengths)
        start = torch.relu(self.image_state(self.compress_image(images)))
        rising, falling = [start], [start]
        for i in range(count):
            seen = torch.cat([self.compress_forward(seen_noise[:, i]), encoded[:, i], rising[-1]], dim=1)
            rising.append(torch.relu(self.step_forward(seen)))
        for i in reversed(range(count)):
            seen = torch.cat([self.compress_backward(seen_noise[:, i]), encoded[:, i], falling[0]], dim=1)
            falling.insert(0, torch.relu(self.step_backward(seen)))
        forward_states, backward_states = torch.stack(rising, dim=1), torch.stack(falling, dim=1)
        query = self._query(forward_states, backward_states, known_strengths, wanted_strengths)
        keys = self.key(torch.cat([forward_states[:, 1:], backward_states[:, :-1]], dim=2))
        values = self.value(seen_noise.flatten(0, 1)).unflatten(0, seen_noise.shape[:2])
        attended = torch.einsum("bmn,bnchw->bmchw", attend(query, keys, self.form), values)
        average = weighted_average(known_noise, known_strengths, wanted_strengths, self.weights)
        return leaving(attended, wanted_strengths, self.form, self.norm) + average

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

"""Rescale one known noise to every wanted strength."""

from __future__ import annotations

from typing import Literal, final

import torch
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.estimators.noise.base import NoiseEstimator, Strengths, WantedNoises, WantedStrengths
from wsrnas.types import Images, Noises, Norm

Source = Literal["nearest", "middle", "largest"]
Shape = Literal["scale", "box", "corner"]
BOUNDARY = 1e-5


@final
class Rescale(NoiseEstimator):
    """Scale one known noise: δ̂ = ε̂/ε·δ_ε, with ε the nearest (in ratio), the middle or the largest known strength.

    Signs of adversarial noise change little with strength, so one attack may serve them all. `shape` says what becomes
    of single pixels (L-infinity only):
    ``scale``: every pixel is scaled;
    ``box``: a pixel stopped by 0 or 1 before it reached ±ε goes to ±ε̂ (then back to the valid range), since it is the
    image and not the attack that kept it small;
    ``corner``: every pixel goes to ε̂·sign(δ).

    Not in the paper; compare `WeightedAverage`.
    """

    def __init__(self, *, source: Source = "nearest", shape: Shape = "box", norm: Norm = "Linf") -> None:
        super().__init__(norm=norm)
        if source not in ("nearest", "middle", "largest"):
            refuse("source", expected="'nearest', 'middle' or 'largest'", got=source)
        if shape not in ("scale", "box", "corner"):
            refuse("shape", expected="'scale', 'box' or 'corner'", got=shape)
        if norm == "L2" and shape != "scale":
            refuse("shape", expected="'scale' under the L2 norm", got=shape, remedy="L2 balls have no corners")
        self.source: Source = source
        self.shape: Shape = shape

    def estimate(
        self, images: Images, known_noise: Noises, known_strengths: Strengths, wanted_strengths: WantedStrengths
    ) -> WantedNoises:
        position = self._position(known_strengths, wanted_strengths)
        strength = known_strengths.gather(1, position)[:, :, None, None, None]
        noise = known_noise[torch.arange(len(images), device=images.device)[:, None], position]
        wanted = wanted_strengths[:, :, None, None, None]
        scaled = noise * (wanted / strength)
        if self.shape == "scale":
            return scaled
        corner = wanted * noise.sign()
        if self.shape == "corner":
            return corner
        attacked = images[:, None] + noise
        stopped = ((attacked <= BOUNDARY) & (noise < 0)) | ((attacked >= 1 - BOUNDARY) & (noise > 0))
        return torch.where(stopped, corner, scaled)

    def _position(self, known: Strengths, wanted: WantedStrengths) -> Tensor:
        if self.source == "nearest":
            distance = (wanted.clamp_min(1e-12).log()[:, :, None] - known.log()[:, None, :]).abs()
            return distance.argmin(dim=2)
        place = known.shape[1] - 1 if self.source == "largest" else (known.shape[1] - 1) // 2
        return torch.full(wanted.shape, place, device=wanted.device)

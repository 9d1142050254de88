"""What every noise estimator (AN-Estimator, φ) takes, gives and guarantees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.types import Images, Noises, Norm

WantedNoises: TypeAlias = Float[Tensor, "B M C H W"]
"""Noises of one batch at the M = N2 wanted strengths, in the order asked for."""
Strengths: TypeAlias = Float[Tensor, "B N"]
WantedStrengths: TypeAlias = Float[Tensor, "B M"]


class NoiseEstimator(nn.Module, ABC):
    """φ of Eq. 3: δ̂_ε̂ = φ(x, {δ_ε1 … δ_εN1}, ε̂).

    The base class checks shapes and projects every estimate to the ball of its wanted strength and to valid pixels, so
    no subclass can hand out a noise that is too strong. `needs_training` says whether φ has weights to fit (Eq. 5).
    """

    needs_training: ClassVar[bool] = False

    def __init__(self, *, norm: Norm = "Linf") -> None:
        super().__init__()
        if norm not in ("Linf", "L2"):
            refuse("norm", expected="'Linf' or 'L2'", got=norm)
        self.norm: Norm = norm

    @abstractmethod
    def estimate(
        self, images: Images, known_noise: Noises, known_strengths: Strengths, wanted_strengths: WantedStrengths
    ) -> WantedNoises:
        """Return unprojected noises (B, N2, C, H, W); arguments as in `forward`, strengths (B, N1) and (B, N2)."""

    def forward(
        self, images: Images, known_noise: Noises, known_strengths: Tensor, wanted_strengths: Tensor
    ) -> WantedNoises:
        """Estimate the noise at each wanted strength.

        Args:
            images: (B,C,H,W) in [0,1].
            known_noise: (B,N1,C,H,W), real noises of these images, strengths ascending.
            known_strengths: (N1,) ascending, or (B,N1) where each image has its own.
            wanted_strengths: (N2,), any order, or (B,N2).

        Returns:
            (B,N2,C,H,W), ‖δ̂‖ ≤ its wanted strength, x+δ̂ in [0,1].

        Raises:
            InputError: shapes do not fit, or the known strengths are not ascending and above 0.
        """
        known, wanted = check_strengths(images, known_noise, known_strengths, wanted_strengths)
        noise_hat = self.estimate(images, known_noise, known, wanted)
        return project(images, noise_hat, wanted, self.norm)


def check_strengths(
    images: Images, known_noise: Noises, known_strengths: Tensor, wanted_strengths: Tensor
) -> tuple[Strengths, WantedStrengths]:
    """Return known (B,N1) and wanted strengths (B,N2) per image, on the images' device, or refuse them."""
    batch = images.shape[0]
    known = _per_image(known_strengths, batch, known_noise.shape[1], "known_strengths").to(images)
    wanted = _per_image(wanted_strengths, batch, None, "wanted_strengths").to(images)
    if not bool((known[:, :1] > 0).all() and (known.diff(dim=1) >= 0).all()):
        refuse("known_strengths", expected="ascending strengths > 0", got=known[0].tolist(), remedy="sort them")
    return known, wanted


def _per_image(strengths: Tensor, batch: int, count: int | None, argument: str) -> Tensor:
    if strengths.ndim == 1:
        strengths = strengths.expand(batch, -1)
    if strengths.ndim != 2 or strengths.shape[0] != batch or (count is not None and strengths.shape[1] != count):
        refuse(argument, expected=f"(N,) or ({batch}, {count or 'N'})", got=tuple(strengths.shape))
    return strengths


def project(images: Images, noises: Noises, strengths: Strengths, norm: Norm) -> Noises:
    """Bring noises (B,N,C,H,W) into the ball of their strengths (B,N) and images+noises into [0,1]."""
    radius = strengths[:, :, None, None, None]
    if norm == "Linf":
        noises = torch.minimum(torch.maximum(noises, -radius), radius)
    else:
        length = noises.flatten(2).norm(dim=2)[:, :, None, None, None]
        noises = noises * (radius / length.clamp_min(1e-12)).clamp_max(1.0)
    clean = images[:, None]
    return (clean + noises).clamp(0.0, 1.0) - clean

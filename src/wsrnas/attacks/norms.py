"""The ball of allowed noise around each image: steps in it, draws from it, projections onto it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from wsrnas.attacks.draws import normal, uniform
from wsrnas.types import Images, Norm

_TINY = 1e-12
_ROUNDING = 5e-7


def length(noise: Images, norm: Norm) -> Float[Tensor, "B"]:
    """Return ‖δ‖ of every image's noise (B,C,H,W) -> (B,), in pixel units of [0,1]."""
    flat = noise.flatten(1)
    return flat.abs().amax(dim=1) if norm == "Linf" else flat.norm(dim=1)


def per_image(values: Shaped[Tensor, "B"]) -> Shaped[Tensor, "B 1 1 1"]:
    """View one number per image so that it multiplies images."""
    return values[:, None, None, None]


def take(images: Images, rows: Int[Tensor, "N"]) -> Float[Tensor, "N C H W"]:
    """Return some of the images in the same memory format."""
    channels_last = images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    return images[rows].contiguous(memory_format=torch.channels_last if channels_last else torch.preserve_format)


def steepest(gradient: Images, norm: Norm) -> Images:
    """Return the noise of length 1 along which the loss rises fastest: sign(g) for Linf, g/‖g‖₂ for L2.

    An image whose gradient is zero gets zero.
    """
    if norm == "Linf":
        return gradient.sign()
    # Divided by its largest entry first: the squares of very small gradients would underflow to a length of zero.
    scaled = gradient / per_image(length(gradient, "Linf").clamp_min(torch.finfo(gradient.dtype).tiny))
    return scaled / per_image(length(scaled, "L2").clamp_min(_TINY))


def project_noise(noise: Images, eps: float | Float[Tensor, "B"], norm: Norm) -> Images:
    """Return the nearest noise with ‖δ‖ <= eps, image by image; `eps` may be one radius for each image."""
    if norm == "Linf":
        if not isinstance(eps, Tensor):
            return noise.clamp(-eps, eps)
        return torch.clamp(noise, -per_image(eps), per_image(eps))
    lengths = length(noise, "L2")
    # Rounding may leave a projected noise a hair too long; scaling it again would move it off what was measured.
    scale = torch.where(lengths > eps * (1.0 + _ROUNDING), eps / lengths.clamp_min(_TINY), 1.0)
    return noise * per_image(scale)


class Ball:
    """All valid images within eps of the clean ones: {x' : ‖x' − x‖ <= eps, 0 <= x' <= 1}.

    `project` is the exact nearest point for Linf. For L2 it projects onto the sphere and then clips to [0,1], which
    moves every pixel towards x and so stays in the ball, but is not always the nearest point.
    """

    def __init__(self, images: Images, eps: float, norm: Norm) -> None:
        self.images = images
        self.eps = eps
        self.norm: Norm = norm
        if norm == "Linf":
            self._low = (images - eps).clamp_(min=0.0)
            self._high = (images + eps).clamp_(max=1.0)

    def project(self, candidates: Images) -> Images:
        """Return the candidates brought into the ball and into [0,1]."""
        if self.norm == "Linf":
            return torch.clamp(candidates, self._low, self._high)
        return (self.images + project_noise(candidates - self.images, self.eps, "L2")).clamp_(0.0, 1.0)

    def climb(self, current: Images, gradient: Images, step_size: float | Tensor) -> Images:
        """Take one projected step of length `step_size` (one for all, or (B,1,1,1)) along the steepest direction."""
        return self.project(current + step_size * steepest(gradient, self.norm))

    def subset(self, rows: Int[Tensor, "N"]) -> Ball:
        """Return the ball around some of the images."""
        return Ball(take(self.images, rows), self.eps, self.norm)

    def sample(self, generator: torch.Generator, *, spread: bool = False) -> Images:
        """Draw images uniformly from the ball (before clipping to [0,1]).

        In L2 nearly all of the ball lies next to its surface; with `spread` the length is uniform in [0, eps] instead.
        Numbers are drawn on the generator's device and in float32, so that the draw does not depend on memory format.
        """
        shape = self.images.shape
        if self.norm == "Linf":
            noise = uniform(shape, generator) * 2.0 - 1.0
        else:
            noise = normal(shape, generator)
            radius = uniform(shape[:1], generator)
            radius = radius if spread else radius ** (1.0 / noise[0].numel())
            noise = noise * per_image(radius / length(noise, "L2").clamp_min(_TINY))
        return self.project(self.images + self.eps * noise.to(self.images))

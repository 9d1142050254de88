"""The facts every adversarial image is held to: inside the ball, inside [0,1], misclassified, also in 8 bits."""

from __future__ import annotations

import torch
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.types import Images, Norm

RADIUS_ROUNDING = 1e-6
"""Relative and absolute float32 error allowed on a radius."""


def distances(images: Images, adversarial: Images, norm: Norm) -> Tensor:
    """Return ‖adversarial − images‖ per image in the norm, in double precision."""
    noise = (adversarial.double() - images.double()).flatten(1)
    return noise.abs().amax(1) if norm == "Linf" else noise.norm(dim=1)


def check_noise(images: Images, adversarial: Tensor, strength: float, norm: Norm, *, attack: str) -> Tensor:
    """Return each image's distance after checking shape, finiteness, range and radius.

    Raises:
        InputError: the attack broke its own threat model; such a result is worth nothing and is not counted.
    """
    if adversarial.shape != images.shape or adversarial.dtype != torch.float32:
        got = f"{adversarial.dtype} {tuple(adversarial.shape)}"
        refuse(f"attack {attack}", expected=f"float32 images of shape {tuple(images.shape)}", got=got)
    if not torch.isfinite(adversarial).all():
        refuse(f"attack {attack}", expected="finite adversarial images", got="NaN or infinity")
    low, high = float(adversarial.min()), float(adversarial.max())
    if low < 0 or high > 1:
        remedy = "clamp them to [0,1]"
        refuse(f"attack {attack}", expected="images in [0,1]", got=f"[{low:.6g}, {high:.6g}]", remedy=remedy)
    found = distances(images, adversarial, norm)
    if float(found.max()) > strength * (1 + RADIUS_ROUNDING) + RADIUS_ROUNDING:
        remedy = "project them (wsrnas.attacks) or give the attack's norm"
        refuse(
            f"attack {attack}", expected=f"{norm} noise <= {strength:g}", got=f"{float(found.max()):.8g}", remedy=remedy
        )
    return found


def eight_bit(images: Images, adversarial: Images, strength: float, norm: Norm) -> tuple[Images, Tensor]:
    """Round adversarial images to multiples of 1/255 that stay inside the ball.

    Returns the rounded images and, per image, whether one inside the ball was found: an original off the 8-bit grid
    may have no grid point near enough. Linf: the nearest level between ⌈255(x−ε)⌉ and ⌊255(x+ε)⌋. L2: the nearest
    level, or where the radius is exceeded the level on the original's side.
    """
    clean, moved = images.double() * 255, adversarial.double() * 255
    if norm == "Linf":
        slack = 255 * (strength * RADIUS_ROUNDING + RADIUS_ROUNDING)
        low = torch.ceil(clean - 255 * strength - slack).clamp(0, 255)
        high = torch.floor(clean + 255 * strength + slack).clamp(0, 255)
        level = torch.minimum(torch.maximum(moved.round(), low), high)
    else:
        level = moved.round()
        inward = torch.where(moved >= clean, moved.floor(), moved.ceil())
        outside = (level - clean).flatten(1).norm(dim=1) > 255 * strength
        level = torch.where(outside[:, None, None, None], inward, level)
    rounded = (level / 255).float().clamp(0, 1)
    inside = distances(images, rounded, norm) <= strength * (1 + RADIUS_ROUNDING) + RADIUS_ROUNDING
    return rounded, inside

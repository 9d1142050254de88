"""The random moves of the Square attack: stripes and squares for Linf, moving pyramids of mass for L2."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.attacks.draws import integer, signs, whole_numbers
from wsrnas.attacks.norms import Ball
from wsrnas.types import Images

_TINY = 1e-10
_HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def window_side(progress: float, fraction: float, height: int, width: int, least: int) -> int:
    """Return the side of the window at a point of the search.

    s = √(p·H·W), p starting at `fraction` and halved each time `progress` (0 to 1) passes one of nine fixed points.
    """
    share = fraction * 0.5 ** sum(progress > point for point in _HALVINGS)
    side = round((share * height * width) ** 0.5)
    return min(max(side, least), height, width)


def start_linf(ball: Ball, generator: torch.Generator) -> Images:
    """Return vertical stripes of ±eps, one sign per image, channel and column."""
    batch, channels, _, width = ball.images.shape
    return ball.project(ball.images + ball.eps * signs((batch, channels, 1, width), generator, ball.images))


def move_linf(ball: Ball, current: Images, side: int, generator: torch.Generator) -> Images:
    """Set the noise in one random square of every image to ±eps, one sign per image and channel."""
    batch, channels, height, width = current.shape
    inside = _span(batch, height, side, generator, current)[:, None, :, None]
    inside = inside & _span(batch, width, side, generator, current)[:, None, None, :]
    shifted = ball.images + ball.eps * signs((batch, channels, 1, 1), generator, current)
    return ball.project(torch.where(inside, shifted, current))


def _span(batch: int, size: int, side: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Return (batch, size) flags, true in a random run of `side` per row."""
    first = whole_numbers(size - side + 1, (batch, 1), generator)
    first = first.to(like.device)
    index = torch.arange(size, device=like.device)
    return (index >= first) & (index < first + side)


def start_l2(ball: Ball, generator: torch.Generator, host: torch.Generator) -> Images:
    """Return a 5×5 grid of pyramids with random signs, scaled to length eps."""
    batch, channels, height, width = ball.images.shape
    side = max(min(height, width) // 5, 1)
    noise = torch.zeros_like(ball.images)
    for top in range(0, height - side + 1, side):
        for left in range(0, width - side + 1, side):
            bump = pyramids(side, host).to(noise)
            noise[:, :, top : top + side, left : left + side] = bump * signs((batch, channels, 1, 1), generator, noise)
    lengths = noise.flatten(1).norm(dim=1)[:, None, None, None]
    return ball.project(ball.images + ball.eps * noise / (lengths + _TINY))


def move_l2(ball: Ball, current: Images, side: int, generator: torch.Generator, host: torch.Generator) -> Images:
    """Move the noise of a second window, and any length not yet used, into a first window, shaped like pyramids.

    ν₁ ← t/‖t‖ · √(‖ν_{1∪2}‖² + (ε² − ‖δ‖²)/C) with t = ±η + ν₁/‖ν₁‖, and ν₂ ← 0, channel by channel. The two windows
    are at the same places in all images of the batch.
    """
    batch, channels, height, width = current.shape
    noise = current - ball.images
    first, second = (
        (slice(top, top + side), slice(left, left + side))
        for top, left in ((integer(0, height - side + 1, host), integer(0, width - side + 1, host)) for _ in range(2))
    )
    union = torch.zeros(height, width, dtype=torch.bool, device=noise.device)
    union[first] = True
    union[second] = True
    squares = noise.square()
    unused = (ball.eps**2 - squares.sum(dim=(1, 2, 3))).clamp_min(0.0)[:, None] / channels
    available = ((squares * union).sum(dim=(2, 3)) + unused).sqrt()[:, :, None, None]
    old = noise[:, :, first[0], first[1]]
    shape = pyramids(side, host).to(noise) * signs((batch, channels, 1, 1), generator, noise)
    shape = shape + old / (_norm(old) + _TINY)
    moved = noise.clone()
    moved[:, :, second[0], second[1]] = 0.0
    moved[:, :, first[0], first[1]] = shape / (_norm(shape) + _TINY) * available
    return ball.project(ball.images + moved)


def _norm(patch: Tensor) -> Tensor:
    return patch.flatten(2).norm(dim=2)[:, :, None, None]


def pyramids(side: int, host: torch.Generator) -> Float[Tensor, "s s"]:
    """Return η of length 1: a rising pyramid over one half of the window, a sinking one over the other."""
    half = side // 2
    bump = torch.cat([_pyramid(half, side), -_pyramid(side - half, side)])
    bump = bump / bump.norm().clamp_min(_TINY)
    return bump.T if integer(0, 2, host) else bump


def _pyramid(rows: int, columns: int) -> Float[Tensor, "r c"]:
    """Return Σ_{j=d+1}^{n+1} 1/j², d the distance (in the maximum norm) from the middle, n half the longer side."""
    n = max(rows, columns) // 2
    terms = 1.0 / torch.arange(1, n + 2, dtype=torch.float32).square()
    table = terms.flip(0).cumsum(0).flip(0)
    down = (torch.arange(rows) - rows // 2).abs()[:, None]
    across = (torch.arange(columns) - columns // 2).abs()[None, :]
    return table[torch.maximum(down, across)]

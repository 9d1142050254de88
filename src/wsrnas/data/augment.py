"""Augmentation: pure functions of images and of uniform numbers drawn beforehand, one row of numbers per image.

Because the numbers are drawn for a whole epoch before it starts, the result depends neither on the device, nor on the
number of worker processes, nor on the batch at which an interrupted epoch goes on.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from wsrnas.data.pixels import Reader, to_tensor

Pixels: TypeAlias = UInt8[Tensor, "B C H W"]
Draws: TypeAlias = Float[Tensor, "B K"]


class Augment(ABC):
    """Changes training images at random and keeps shape, range and type; concrete classes are frozen dataclasses."""

    @property
    @abstractmethod
    def draws_per_image(self) -> int:
        """K, how many uniform numbers in [0,1) one image needs."""

    @abstractmethod
    def __call__(self, pixels: Pixels, draws: Draws) -> Pixels:
        """Change a batch (B,C,H,W) on its device by the numbers (B,K)."""

    @abstractmethod
    def read(self, image: Image.Image, draws: Draws, reader: Reader) -> Pixels:
        """Change one freshly opened image by its numbers (1,K) and return (1,C,H,W) in the reader's shape."""


@dataclass(frozen=True, kw_only=True)
class Shift(Augment):
    """Pad with zeros, crop the original size at a random place, and mirror half of the images if `flip`.

    `padding` in pixels; None is an eighth of the shorter side, at least 1 (4 for 32×32, the CIFAR custom).
    """

    padding: int | None = None
    flip: bool = False

    @property
    def draws_per_image(self) -> int:
        """Two offsets and the mirror."""
        return 3

    def __call__(self, pixels: Pixels, draws: Draws) -> Pixels:
        """Gather every output pixel from its place in the padded image."""
        batch, channels, height, width = pixels.shape
        margin = max(1, min(height, width) // 8) if self.padding is None else self.padding
        offsets = (draws[:, :2] * (2 * margin + 1)).long()
        rows = torch.arange(height, device=pixels.device) + offsets[:, :1]
        columns = torch.arange(width, device=pixels.device) + offsets[:, 1:]
        if self.flip:
            columns = torch.where(draws[:, 2:3] < 0.5, columns.flip(1), columns)
        places = (rows[:, :, None] * (width + 2 * margin) + columns[:, None, :]).reshape(batch, 1, -1)
        padded = functional.pad(pixels, (margin, margin, margin, margin)).flatten(2)
        return padded.gather(2, places.expand(-1, channels, -1)).view(pixels.shape)

    def read(self, image: Image.Image, draws: Draws, reader: Reader) -> Pixels:
        """Bring the image to size, then shift it."""
        return self(to_tensor(reader.square(image))[None], draws)


@dataclass(frozen=True, kw_only=True)
class ResizedCrop(Augment):
    """ImageNet's augmentation: a rectangle of random area and shape, scaled to full size and mirrored half of the time.

    `min_area` is the smallest share of the image, `max_ratio` the largest ratio of the sides; `jitter` > 0 scales
    brightness, contrast and saturation, in this order, each by a factor from [1-jitter, 1+jitter] (hue is left
    alone). Bilinear. From files the rectangle is cut from the original; in memory, from the stored image.
    """

    min_area: float = 0.08
    max_ratio: float = 4 / 3
    flip: bool = True
    jitter: float = 0.0

    @property
    def draws_per_image(self) -> int:
        """Area, ratio, two offsets, mirror, three colour factors."""
        return 8

    def boxes(self, height: int, width: int, draws: Draws) -> Float[Tensor, "B 4"]:
        """Return (left, top, width, height) in pixels for every image."""
        area = (self.min_area + (1 - self.min_area) * draws[:, 0]) * (height * width)
        root = torch.exp((draws[:, 1] - 0.5) * math.log(self.max_ratio))
        wide = (area.sqrt() * root).clamp(1, width)
        high = (area.sqrt() / root).clamp(1, height)
        return torch.stack([draws[:, 2] * (width - wide), draws[:, 3] * (height - high), wide, high], dim=1)

    def __call__(self, pixels: Pixels, draws: Draws) -> Pixels:
        """Sample every output pixel from its rectangle."""
        _, _, height, width = pixels.shape
        left, top, wide, high = self.boxes(height, width, draws).unbind(1)
        zero, mirror = torch.zeros_like(left), self._mirror(draws)
        across = torch.stack([mirror * wide / width, zero, (2 * left + wide) / width - 1], dim=1)
        down = torch.stack([zero, high / height, (2 * top + high) / height - 1], dim=1)
        grid = functional.affine_grid(torch.stack([across, down], dim=1), list(pixels.shape), align_corners=False)
        cut = functional.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False)
        return self._coloured(cut, draws)

    def read(self, image: Image.Image, draws: Draws, reader: Reader) -> Pixels:
        """Cut the rectangle from the original image."""
        left, top, wide, high = self.boxes(image.height, image.width, draws)[0].tolist()
        box = (left, top, min(left + wide, image.width), min(top + high, image.height))
        _, height, width = reader.shape
        cut = to_tensor(image.resize((width, height), Image.Resampling.BILINEAR, box=box))[None]
        if self._mirror(draws)[0] < 0:
            cut = cut.flip(3)
        return self._coloured(cut.float(), draws)

    def _mirror(self, draws: Draws) -> Float[Tensor, "B"]:
        """Return -1 where the image is to be mirrored, else 1."""
        sign = torch.ones_like(draws[:, 4])
        return torch.where(draws[:, 4] < 0.5, -sign, sign) if self.flip else sign

    def _coloured(self, pixels: Float[Tensor, "B C H W"], draws: Draws) -> Pixels:
        """Scale brightness, contrast and saturation of pixels in 0 … 255 and round them."""
        if self.jitter > 0:
            factors = (1 + self.jitter * (2 * draws[:, 5:8] - 1))[:, :, None, None, None]
            pixels = (pixels * factors[:, 0]).clamp(0, 255)
            mean = luma(pixels).mean(dim=(1, 2, 3), keepdim=True)
            pixels = (mean + (pixels - mean) * factors[:, 1]).clamp(0, 255)
            grey = luma(pixels)
            pixels = grey + (pixels - grey) * factors[:, 2]
        return pixels.round().clamp(0, 255).to(torch.uint8)


def luma(pixels: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
    """Return the brightness of colour images (ITU-R 601 weights); grey images are their own."""
    if pixels.shape[1] == 1:
        return pixels
    weights = torch.tensor([0.299, 0.587, 0.114], device=pixels.device, dtype=pixels.dtype)
    return (pixels * weights[:, None, None]).sum(dim=1, keepdim=True)


AUGMENTS: dict[str, Augment | None] = {
    "none": None,
    "shift": Shift(),
    "crop-flip": Shift(flip=True),
    "imagenet": ResizedCrop(),
    "imagenet-jitter": ResizedCrop(jitter=0.4),
}

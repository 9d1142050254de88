"""From an opened image to uint8 pixels (C,H,W) of one shape for the whole data set.

Modes: 1, L and LA are grey; P, RGB, RGBA, CMYK, YCbCr, LAB and HSV are colour. Alpha is dropped, not blended.
Sixteen-bit, integer and floating-point images are refused, since their range is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from wsrnas.data.config import DataConfig
from wsrnas.data.decode import quiet
from wsrnas.data.preprocessing import Preprocessing
from wsrnas.data.sources.base import Source
from wsrnas.errors import refuse

GREY = ("1", "L", "LA", "La")
COLOUR = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
THREADED_PIXELS = 64 * 64  # images of no more pixels than this decode faster without threads
THREADED_ROWS = 16


def channels_of(image: Image.Image, describe: Callable[[], str]) -> int:
    """Return 1 or 3 by the image's mode."""
    if image.mode in GREY:
        return 1
    if image.mode in COLOUR:
        return 3
    remedy = "convert it to 8-bit grey or RGB"
    refuse("data", expected=f"8 bits per channel in {describe()}", got=f"mode {image.mode}", remedy=remedy)


@dataclass(frozen=True)
class Reader:
    """Reads rows of a source as uint8 (C,H,W), all of one shape.

    With `resize`, the centre square, `kept_share` of its side, is scaled to (H,W), bilinear; without, an image of
    another size is refused. With `convert`, channels are made to agree; without, an image of another kind is refused.
    `whose` says in a message whose shape that is, and `remedy` what helps, where data settings do not.
    """

    source: Source
    shape: tuple[int, int, int]
    resize: bool
    convert: bool
    kept_share: float
    threads: int
    whose: str = ""
    remedy: str = ""

    def open(self, row: int) -> Image.Image:
        """Return one image in mode L or RGB, in its own size."""
        image = self.source.open(row)
        found, wanted = channels_of(image, lambda: self.source.describe(row)), self.shape[0]
        if found != wanted and not self.convert:
            remedy = self.remedy or "set --data.channels 3 (grey is repeated) or 1 (colour becomes luma)"
            got = f"{found} in {self.source.describe(row)}"
            refuse(
                "data", expected=f"{wanted} channel(s), {self.whose or 'as in the first image'}", got=got, remedy=remedy
            )
        mode = "L" if wanted == 1 else "RGB"
        if image.mode in ("P", "PA"):
            image = image.convert("RGBA")  # a palette may hold transparency, which only this mode takes over
        if mode == "L" and image.mode in COLOUR:
            image = image.convert("RGB")  # not every colour mode has a way to grey of its own
        return image if image.mode == mode else image.convert(mode)

    def square(self, image: Image.Image) -> Image.Image:
        """Return the centre of one image in the common size."""
        _, height, width = self.shape
        if image.size == (width, height) and self.kept_share == 1:
            return image
        side = min(image.size) * self.kept_share
        left, top = (image.width - side) / 2, (image.height - side) / 2
        return image.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))

    def pixels(self, row: int) -> UInt8[Tensor, "C H W"]:
        """Return one image without augmentation."""
        image = self.open(row)
        _, height, width = self.shape
        if not self.resize and image.size != (width, height):
            got = f"{image.height}×{image.width} in {self.source.describe(row)}"
            remedy = self.remedy or f"set --data.image_size, for example {min(height, width)}"
            refuse(
                "data",
                expected=f"images of {height}×{width}, {self.whose or 'as the first is'}",
                got=got,
                remedy=remedy,
            )
        return to_tensor(self.square(image) if self.resize else image)

    def read(self, rows: list[int]) -> UInt8[Tensor, "N C H W"]:
        """Return several images without augmentation."""
        pixels = torch.empty((len(rows), *self.shape), dtype=torch.uint8)

        def place(position: int) -> None:
            pixels[position] = self.pixels(rows[position])

        with quiet():
            if self.threads > 1 and len(rows) >= THREADED_ROWS and self._large(rows[0]):
                with ThreadPoolExecutor(self.threads) as pool:
                    for _ in pool.map(place, range(len(rows))):
                        pass
            else:
                for position in range(len(rows)):
                    place(position)
        return pixels

    def _large(self, row: int) -> bool:
        width, height = self.source.open(row).size
        return width * height > THREADED_PIXELS


def to_tensor(image: Image.Image) -> UInt8[Tensor, "C H W"]:
    """Return an image of mode L or RGB as uint8 (C,H,W)."""
    array = np.array(image, dtype=np.uint8)
    return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))


def fit_reader(source: Source, row: int, config: DataConfig) -> Reader:
    """Return the reader for a data set, its shape taken from the configuration or else from one image."""
    with quiet():
        first = source.open(row)
    channels = config.wanted_channels or channels_of(first, lambda: source.describe(row))
    height, width = (config.size, config.size) if config.size else (first.height, first.width)
    shape, threads = (channels, height, width), config.worker_count
    return Reader(source=source, shape=shape, threads=threads, **Preprocessing.of(config).to_dict())

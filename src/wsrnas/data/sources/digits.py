"""The embedded data set: scikit-learn's 1797 hand-written digits, 8×8, one channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, UInt8
from PIL import Image
from torch import Tensor

from wsrnas.data.classes import DataClasses
from wsrnas.data.sources.base import Source, Sources

NAMES = tuple(str(digit) for digit in range(10))
CLASSES = DataClasses(names=NAMES, kind="numbers", order="as the data numbers them")


@dataclass(frozen=True, eq=False)
class DigitsSource(Source):
    """Pixels (N,8,8), grey levels 0 … 255 (the originals are 0 … 16)."""

    pixels: UInt8[np.ndarray, "N H W"]
    labels: Int[Tensor, "N"]
    classes: DataClasses = CLASSES
    title: str = "scikit-learn's digits"

    def open(self, row: int) -> Image.Image:
        """Return one digit as an image."""
        return Image.fromarray(self.pixels[row])

    def describe(self, row: int) -> str:
        """Name one digit."""
        return f"digit {row} of {self.title}"

    def token(self, row: int) -> str:
        """Return the digit itself."""
        return self.stored(row).hex()

    def size(self, row: int) -> int:
        """Return the number of pixels, one byte each."""
        return self.pixels[row].nbytes

    def stored(self, row: int) -> bytes:
        """Return the pixels."""
        return self.pixels[row].tobytes()


def digits() -> Sources:
    """Load the digits; they come without a test part."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.rint(loaded.images * (255 / 16)).astype(np.uint8)
    return Sources(DigitsSource(pixels, torch.from_numpy(loaded.target.astype(np.int64))), None)

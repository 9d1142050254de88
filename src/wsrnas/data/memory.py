"""A split held in memory as uint8, on whichever device asks for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from wsrnas.data.augment import Augment, Draws
from wsrnas.data.split import Split
from wsrnas.types import Images, Labels


class MemorySplit(Split):
    """Pixels (N,C,H,W) uint8; a device that asks for batches gets its own copy, once."""

    def __init__(self, pixels: UInt8[Tensor, "N C H W"], labels: Int[Tensor, "N"], rows: Int[Tensor, "N"]) -> None:
        self.pixels = pixels
        self.labels = labels
        self.rows = rows
        self._copies: dict[torch.device, tuple[Tensor, Tensor]] = {pixels.device: (pixels, labels)}

    def sample(self) -> UInt8[Tensor, "N C H W"]:
        """Return all pixels."""
        return self.pixels

    def fingerprint(self) -> str:
        """Return a hash of labels and pixels."""
        digest = hashlib.sha256(self.labels.numpy().tobytes())
        digest.update(self.pixels.numpy().data)
        return digest.hexdigest()

    def fetch(self, indices: Int[Tensor, "B"]) -> tuple[Images, Labels]:
        """Return chosen images without augmentation, on the device of the indices."""
        pixels, labels = self._on(indices.device)
        return to_float(pixels.index_select(0, indices)), labels.index_select(0, indices)

    def _on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if device not in self._copies:
            self._copies[device] = (self.pixels.to(device), self.labels.to(device))
        return self._copies[device]

    def _stream(
        self,
        order: Int[Tensor, "M"],
        draws: Draws | None,
        augment: Augment | None,
        batch_size: int,
        device: torch.device,
    ) -> Iterator[tuple[Images, Labels]]:
        pixels, labels = self._on(device)
        order = order.to(device)
        draws = None if draws is None else draws.to(device)
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            batch = pixels.index_select(0, indices)
            if augment is not None and draws is not None:
                batch = augment(batch, draws[start : start + batch_size])
            yield to_float(batch), labels.index_select(0, indices)


def to_float(pixels: UInt8[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Map 0 … 255 to [0,1]."""
    return pixels.to(torch.float32).div_(255)

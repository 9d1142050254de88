"""A split decoded by worker processes, for images that do not fit into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from wsrnas.data.augment import Augment, Draws
from wsrnas.data.decode import quiet
from wsrnas.data.memory import to_float
from wsrnas.data.pixels import Reader
from wsrnas.data.split import Split
from wsrnas.errors import InputError
from wsrnas.types import Images, Labels

SAMPLE = 4096


@dataclass(frozen=True, eq=False)
class _Pass(Dataset[Tensor | InputError]):
    """The images of one pass in order, each with its numbers for augmentation."""

    reader: Reader
    rows: Int[Tensor, "M"]
    draws: Draws | None
    augment: Augment | None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> Tensor | InputError:
        row = int(self.rows[position])
        try:
            with quiet():
                if self.augment is None or self.draws is None:
                    return self.reader.pixels(row)
                return self.augment.read(self.reader.open(row), self.draws[position : position + 1], self.reader)[0]
        except InputError as error:
            return error  # raised again in the main process: the loader would wrap it in a traceback


def _collate(items: list[Tensor | InputError]) -> Tensor | InputError:
    for item in items:
        if isinstance(item, InputError):
            return item
    return torch.stack([item for item in items if isinstance(item, Tensor)])


class WorkerSplit(Split):
    """Images decoded when they are needed: `workers` processes for passes, threads for `fetch`."""

    def __init__(self, reader: Reader, labels: Int[Tensor, "N"], rows: Int[Tensor, "N"], workers: int) -> None:
        self.reader = reader
        self.labels = labels
        self.rows = rows
        self.workers = workers

    def sample(self) -> UInt8[Tensor, "N C H W"]:
        """Return the first 4096 images, which are in random order."""
        return self.reader.read(self.rows[:SAMPLE].tolist())

    def fingerprint(self) -> str:
        """Return a hash of labels, of names and sizes of the encoded images, and of how they are brought to size."""
        reader = self.reader
        digest = hashlib.sha256(self.labels.numpy().tobytes())
        digest.update(repr((reader.shape, reader.resize, reader.kept_share)).encode())
        for row in self.rows.tolist():
            digest.update(reader.source.token(row).encode(errors="surrogateescape") + b"\n")
        return digest.hexdigest()

    def fetch(self, indices: Int[Tensor, "B"]) -> tuple[Images, Labels]:
        """Return chosen images without augmentation, on the device of the indices."""
        chosen = indices.cpu()
        pixels = self.reader.read(self.rows[chosen].tolist())
        return to_float(pixels.to(indices.device)), self.labels[chosen].to(indices.device)

    def _stream(
        self,
        order: Int[Tensor, "M"],
        draws: Draws | None,
        augment: Augment | None,
        batch_size: int,
        device: torch.device,
    ) -> Iterator[tuple[Images, Labels]]:
        loader = DataLoader(
            _Pass(self.reader, self.rows[order], draws, augment),
            batch_size=batch_size,
            num_workers=self.workers,
            collate_fn=_collate,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # its own, so that torch's global one is left alone
        )
        for number, pixels in enumerate(loader):
            if isinstance(pixels, InputError):
                raise pixels
            labels = self.labels[order[number * batch_size : (number + 1) * batch_size]]
            yield to_float(pixels.to(device, non_blocking=True)), labels.to(device)

"""One part of a data set, as everything else sees it, and what a run is given."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int, UInt8
from torch import Generator, Tensor

from wsrnas.data.augment import Augment, Draws
from wsrnas.errors import refuse
from wsrnas.types import Images, Labels


class Split(ABC):
    """Images in [0,1], float32 (B,C,H,W), with labels, in a fixed order that mixes the classes.

    `labels` (N,) int64 and `rows` (N,), each image's position in the data set it comes from, are on the CPU; `notes`
    say what was passed over, or is to be known of it.
    """

    labels: Int[Tensor, "N"]
    rows: Int[Tensor, "N"]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def batch_count(self, batch_size: int, *, drop_last: bool = False) -> int:
        """Return how many batches one pass has."""
        return len(self) // batch_size if drop_last else -(-len(self) // batch_size)

    @cached_property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation per channel, for pixels in [0,1].

        A standard deviation below 1/255 is raised to it, so that a constant channel can be divided by it.
        """
        pixels = self.sample()
        levels = torch.arange(256, dtype=torch.float64) / 255
        means, stds = [], []
        for channel in range(pixels.shape[1]):
            counts = torch.bincount(pixels[:, channel].flatten(), minlength=256).double()
            share = counts / counts.sum()
            mean = (share * levels).sum()
            means.append(mean.item())
            stds.append(max((share * (levels - mean) ** 2).sum().sqrt().item(), 1 / 255))
        return tuple(means), tuple(stds)

    @abstractmethod
    def sample(self) -> UInt8[Tensor, "N C H W"]:
        """Return the pixels that `statistics` are measured on: all, or a random sample where that is too much."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of the images and labels, in order."""

    @abstractmethod
    def fetch(self, indices: Int[Tensor, "B"]) -> tuple[Images, Labels]:
        """Return chosen images (B,C,H,W) and labels (B,), without augmentation, on the device of the indices."""

    def batches(
        self,
        batch_size: int,
        *,
        generator: Generator | None = None,
        augment: Augment | None = None,
        device: torch.device | str = "cpu",
        start_batch: int = 0,
        drop_last: bool = False,
    ) -> Iterator[tuple[Images, Labels]]:
        """Yield one pass as batches on the device, from batch `start_batch` on.

        With a generator the order is random; it is advanced by exactly one draw, when the first batch is asked for,
        whatever `start_batch` is. With the generator in the same state the batches are the same, on every device and
        with any number of workers, so an interrupted pass goes on exactly where it stopped.

        Raises:
            InputError: a batch size below 1, a negative start, or augmentation without a generator.
        """
        if batch_size < 1:
            refuse("batch_size", expected="at least 1", got=batch_size, remedy="raise it")
        if start_batch < 0:
            refuse("start_batch", expected="0 or more", got=start_batch, remedy="0 starts a pass")
        if augment is not None and generator is None:
            remedy = "pass rng.stream(seed, …)"
            refuse("generator", expected="a torch.Generator for augmentation", got=None, remedy=remedy)
        return self._pass(batch_size, generator, augment, torch.device(device), start_batch, drop_last)

    def _pass(
        self,
        batch_size: int,
        generator: Generator | None,
        augment: Augment | None,
        device: torch.device,
        start_batch: int,
        drop_last: bool,
    ) -> Iterator[tuple[Images, Labels]]:
        order, draws = torch.arange(len(self)), None
        if generator is not None:
            drawn = torch.randint(2**63 - 1, (1,), generator=generator, device=generator.device)
            own = torch.Generator().manual_seed(int(drawn.item()))
            order = torch.randperm(len(self), generator=own)
            if augment is not None:
                draws = torch.rand((len(self), augment.draws_per_image), generator=own)
        count = self.batch_count(batch_size, drop_last=drop_last) * batch_size
        chosen = order[start_batch * batch_size : count]
        if len(chosen):
            draws = None if draws is None else draws[start_batch * batch_size : count]
            yield from self._stream(chosen, draws, augment, batch_size, device)

    @abstractmethod
    def _stream(
        self,
        order: Int[Tensor, "M"],
        draws: Draws | None,
        augment: Augment | None,
        batch_size: int,
        device: torch.device,
    ) -> Iterator[tuple[Images, Labels]]:
        """Yield the images at `order`, `batch_size` at a time, changed by `augment` with the numbers `draws` (M,K)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DataBundle:
    """The data of a run: D_t, D_v and the test set; of each, nothing is read before it is first asked for.

    Attributes:
        name: the data set's.
        class_names: label i is `class_names[i]`: the network's where the data was loaded for one, else the data's own;
            whole-number labels that nothing names are named by their numbers.
        class_order: in which order the names are, and why.
        image_shape: (C,H,W).
        augment: what the configuration chose for D_t; None is nothing.
        load_part: reads the part named train, valid or test.
        data_notes: what of the data was passed over, chosen or mapped, as far as it is known before the test set is
            read; `notes` has the rest.
    """

    name: str
    class_names: tuple[str, ...]
    class_order: str
    image_shape: tuple[int, int, int]
    augment: Augment | None
    load_part: Callable[[str], Split]
    data_notes: tuple[str, ...] = ()

    @property
    def num_classes(self) -> int:
        """Return the number of classes."""
        return len(self.class_names)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was passed over, chosen or mapped, a sentence each; the test set's join once it has been read."""
        test: Split | None = vars(self).get("test")
        return tuple(dict.fromkeys((*self.data_notes, *(test.notes if test is not None else ()))))

    @cached_property
    def train(self) -> Split:
        """D_t, loaded on first use and kept."""
        return self.load_part("train")

    @cached_property
    def valid(self) -> Split:
        """D_v, loaded on first use and kept."""
        return self.load_part("valid")

    @cached_property
    def test(self) -> Split:
        """The test set, loaded on first use and kept."""
        return self.load_part("test")

    @property
    def mean(self) -> tuple[float, ...]:
        """Return the mean of D_t per channel, for pixels in [0,1]."""
        return self.train.statistics[0]

    @property
    def std(self) -> tuple[float, ...]:
        """Return the standard deviation of D_t per channel, for pixels in [0,1]."""
        return self.train.statistics[1]

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash that changes with any image or label of D_t or D_v; it reads both."""
        parts = (self.image_shape, self.class_names, self.train.fingerprint(), self.valid.fingerprint())
        return hashlib.sha256(repr(parts).encode()).hexdigest()

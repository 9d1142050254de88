"""Batches that several processes work on together: whose rows are whose, and what is that of the whole batch.

Inside `sharing` BatchNorm takes its statistics from the whole batch, and random draws are those of the whole batch cut
to this process's rows: what is computed is what one process would compute, up to the order of float additions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wsrnas.runtime import processes
from wsrnas.runtime.batch_norm import WholeBatchStatistics


@dataclass(frozen=True)
class Share:
    """This process's part of a batch of `whole` images.

    A batch with fewer images than there are processes is not `split`: each works on all of it, one counts it.
    """

    whole: int
    rows: slice
    split: bool

    def of(self, batch: Tensor) -> Tensor:
        """Return this process's rows."""
        return batch[self.rows] if self.split else batch

    def weighted(self, mean: Tensor) -> Tensor:
        """Return a mean over this process's rows as its part of the mean over the batch: their sum is that."""
        if processes.size() == 1:
            return mean
        return mean * ((self.rows.stop - self.rows.start) / self.whole if self.split else 1 / processes.size())

    def joined(self, part: Tensor) -> Tensor:
        """Return what every process has for its rows, for the whole batch; of a batch that is split on the CPU."""
        return all_rows(part) if self.split else part

    @property
    def counted(self) -> bool:
        """Whether sums over this process's rows count: added up over all processes every image counts once."""
        return self.split or processes.is_first()


_SHARE: ContextVar[Share | None] = ContextVar("share", default=None)


def share_of(whole: int) -> Share:
    """Return this process's part of a batch: rows next to one another, parts that differ by one image at most."""
    rank, size = processes.rank(), processes.size()
    return Share(whole, slice(whole * rank // size, whole * (rank + 1) // size), split=1 < size <= whole)


@contextmanager
def sharing(whole: int) -> Iterator[Share]:
    """Work inside the block on one's part of a batch of so many images, as all other processes do at the same time."""
    share = share_of(whole)
    token = _SHARE.set(share if processes.size() > 1 else None)
    try:
        with WholeBatchStatistics() if share.split else nullcontext():
            yield share
    finally:
        _SHARE.reset(token)


def weighted(mean: Tensor) -> Tensor:
    """Return a mean over one's rows of the batch that is shared here as their part of the mean over the batch."""
    share = _SHARE.get()
    return mean if share is None else share.weighted(mean)


def drawn(shape: Sequence[int], draw: Callable[[tuple[int, ...]], Tensor]) -> Tensor:
    """Return random numbers of this shape, one row an image; of a shared batch this process's rows of them."""
    share = _SHARE.get()
    if share is None or not share.split or shape[0] != share.rows.stop - share.rows.start:
        return draw(tuple(shape))
    return share.of(draw((share.whole, *shape[1:])))


def everywhere(flag: Tensor) -> bool:
    """Return whether this holds on every process that shares the batch; reads the device once."""
    share = _SHARE.get()
    return bool(flag) if share is None or not share.split else not processes.agree(not bool(flag))


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return processes.all_sum(gradient)


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return processes.all_sum(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


def spread(value: Tensor) -> Tensor:
    """Return what all processes have alike; its gradient is the sum of what each of them found."""
    if processes.size() == 1:
        return value
    copied: Tensor = _Spread.apply(value)
    return copied


def total(value: Tensor) -> Tensor:
    """Return the sum over all processes, as `processes.all_sum`, differentiable in this one's part."""
    if processes.size() == 1:
        return value
    summed: Tensor = _Total.apply(value)
    return summed


def all_rows(part: Tensor) -> Tensor:
    """Return the rows of all processes in order, on the CPU; those of a single process, and a number, as they are."""
    if processes.size() == 1 or not part.ndim:
        return part
    return torch.cat(processes.gather(lambda: part.detach().cpu()))


def own_rows(whole: Tensor) -> Tensor:
    """Return this process's rows of what `all_rows` returned."""
    return share_of(len(whole)).of(whole) if whole.ndim else whole

"""Processes that share one piece of work: who this one is, and what they tell one another.

For a single process, and inside `alone`, everything here is the plain call or does nothing. What stands here is called
by all processes in the same order; each would wait for the others otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from wsrnas.errors import InputError

Result = TypeVar("Result")
PATIENCE = timedelta(days=7)
"""How long a process waits for the others: some of them may be training a network alone."""
PARTING = timedelta(seconds=20)
"""How long one waits for the others where all of them are about to end."""
_ALONE: ContextVar[bool] = ContextVar("alone", default=False)
_HOSTS: list[Any] = []
"""The group that objects and host tensors travel in, where the devices' own takes device tensors only."""


class LostError(RuntimeError):
    """Another process of this work has ended, or failed by a fault of the program; that one says why."""


def size() -> int:
    """Return how many processes share the work of this one."""
    return 1 if _ALONE.get() or not (dist.is_available() and dist.is_initialized()) else dist.get_world_size()


def rank() -> int:
    """Return this process's number among them, from 0."""
    return 0 if size() == 1 else dist.get_rank()


def is_first() -> bool:
    """Return whether this process writes files and speaks to the user."""
    return rank() == 0


def is_alone() -> bool:
    """Return whether this process works inside `alone`."""
    return _ALONE.get()


def joined() -> None:
    """Take note that the devices' group has been made, and make one for objects where that takes none."""
    if dist.is_initialized() and dist.get_backend() != "gloo" and not _HOSTS:
        _HOSTS.append(dist.new_group(backend="gloo", timeout=PATIENCE))


@contextmanager
def alone() -> Iterator[None]:
    """Work inside the block as if there were no other process: it shares nothing, and waits for nobody."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


def first(work: Callable[[], Result]) -> Result:
    """Do this on the first process, `alone`, and return its result, which must be picklable, on every one.

    Raises:
        InputError: what the first one refused, on every process.
        LostError: any other error of the first one, on the others.
    """
    if size() == 1:
        return work()
    own: Any
    own, error = None, None
    if is_first():
        with alone():
            own, error = _tried(work)
    told: list[Any] = [(own, _portable(error))]
    with _peers():
        dist.broadcast_object_list(told, src=0, group=_hosts())
    sent: Result
    sent, failed = told[0]
    if failed is not None:
        _raise(error or failed)
    return own if is_first() else sent


def gather(work: Callable[[], Result]) -> list[Result]:
    """Do this on every process and return all results, which must be picklable, in order of their numbers.

    Raises:
        InputError: what one of them refused, on every process.
        LostError: any other error of one of them, on the others.
    """
    if size() == 1:
        return [work()]
    (value, error), told = _tried(work), list[Any]([None] * size())
    with _peers():
        dist.all_gather_object(told, (value, _portable(error)), group=_hosts())
    for place, (_, failed) in enumerate(told):
        if failed is not None:
            _raise(error if place == rank() and error is not None else failed)
    return [value for value, _ in told]


def together(work: Callable[[], Result]) -> Result:
    """Do this on every process and return this one's result; raises what one of them raises, as `gather` does."""
    own: list[Result] = []
    gather(lambda: own.append(work()))
    return own[0]


def alike(value: object, what: str) -> None:
    """Refuse processes that have come to different values, which must be picklable.

    Raises:
        InputError: as said; names the two.
    """
    if size() > 1:
        found = gather(lambda: value)
        if other := [one for one in found if one != found[0]]:
            message = f"processes: expected the same {what} on all of them, got {found[0]} and {other[0]}"
            raise InputError(f"{message}; use machines of one kind, and one version of wsrnas and torch")


def part() -> None:
    """Wait, where all processes end here, until each has received the last of what the others tell it."""
    if size() > 1:
        with suppress(RuntimeError):  # it is gone already: there is nothing left to tell it
            dist.monitored_barrier(group=_hosts(), timeout=PARTING)


def agree(wish: bool) -> bool:
    """Return on every process whether any of them wishes it."""
    return bool(_reduced(torch.tensor(int(wish)), dist.ReduceOp.MAX))


def all_sum(values: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes, which is the same bit for bit on each; the argument stays."""
    return values if size() == 1 else _reduced(values.detach().clone(), dist.ReduceOp.SUM)


@torch.no_grad()
def all_sum_flat(tensors: Sequence[Tensor]) -> None:
    """Replace tensors of one type and device by their sums over all processes, in place and in one message."""
    if size() == 1 or not tensors:
        return
    flat = _reduced(torch.cat([tensor.reshape(-1) for tensor in tensors]), dist.ReduceOp.SUM)
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors])):
        tensor.copy_(part.view_as(tensor))


def _reduced(values: Tensor, how: Any) -> Tensor:
    if size() > 1:
        with _peers():
            dist.all_reduce(values, op=how, group=_hosts() if values.device.type == "cpu" else None)
    return values


def _hosts() -> Any:
    return _HOSTS[0] if _HOSTS else None


def _tried(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return work(), None
    except LostError:
        raise
    except Exception as error:  # told to the others before it is raised
        return None, error


def _portable(error: Exception | None) -> Exception | None:
    """Return what the other processes are told of an error."""
    if error is None:
        return None
    return InputError(str(error)) if isinstance(error, InputError) else LostError(f"{type(error).__name__}: {error}")


def _raise(error: Exception) -> NoReturn:
    if isinstance(error, InputError):
        error.shared = True
    raise error


@contextmanager
def _peers() -> Iterator[None]:
    """Say plainly that another process is gone."""
    try:
        yield
    except RuntimeError as error:
        raise LostError("another process of this run has ended; run the same command again to go on") from error

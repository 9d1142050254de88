"""Independent work in parallel processes: the same results, in the same order, as one item after another.

The processes are loky's, which neither run the user's script again nor inherit the state of torch. Each works on one
item at a time, so that memory is bounded by their number; each ends when this process does, however that comes about.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import torch
from joblib.externals.loky import ProcessPoolExecutor

from wsrnas import progress
from wsrnas.errors import InputError
from wsrnas.parts import imported_module, user_modules
from wsrnas.runtime import leaving, processes
from wsrnas.runtime.config import RuntimeConfig
from wsrnas.runtime.workers import Workers, workers_for

Common = TypeVar("Common")
Item = TypeVar("Item")
Result = TypeVar("Result")
LOOK_EVERY = 0.5
"""Seconds between two looks at whether this process was asked to end."""


class WorkError(RuntimeError):
    """An item failed by a fault of the program; the message names the item, the cause is the error itself."""


def each(
    work: Callable[[Common, Item], Result],
    items: Mapping[str, Item],
    *,
    config: RuntimeConfig,
    common: Callable[[], Common],
    here: Common | None = None,
    on_done: Callable[[str], None] = lambda name: None,
) -> dict[str, Result]:
    """Return ``work(common(), item)`` of every item by its name, in the order of `items`.

    On a CPU the results are bit for bit those of one process, `workers=1`: the number of threads is the same, and
    nothing may depend on what was worked on before. Processes that torchrun or srun started divide the items among
    them. The first item that fails ends the others; work that writes run folders goes on from them when it is asked for
    again.

    Args:
        work: a function of a module, with all randomness from seeds in the item.
        items: by name, as messages say it.
        config: `workers`, `threads` and `device`.
        common: makes what every item needs, such as the data; called at most once in each process.
        here: that, where this process has it already.
        on_done: called with the name of every item that is done, in whatever order.

    Raises:
        InputError: what an item refused, with its name before it; or a process that was ended from outside.
        WorkError: any other error of an item.
    """
    workers = workers_for(config, len(items))
    if processes.size() > 1:
        return _divided(work, items, workers, common, here, on_done)
    if workers.here or "__main__" in user_modules():
        return _one_by_one(work, items, workers, common, here, on_done)
    return _side_by_side(work, items, workers, common, on_done)


def _divided(
    work: Callable[[Common, Item], Result],
    items: Mapping[str, Item],
    workers: Workers,
    common: Callable[[], Common],
    here: Common | None,
    on_done: Callable[[str], None],
) -> dict[str, Result]:
    """Do every n-th item on each of n processes that share this work, alone; then wait for the others."""
    own = dict(islice(items.items(), processes.rank(), None, processes.size()))

    def alone() -> dict[str, Result]:
        with processes.alone():
            return _one_by_one(work, own, workers, common, here, on_done) if own else {}

    found = {name: result for part in processes.gather(alone) for name, result in part.items()}
    for name in items:
        if name not in own:
            on_done(name)
    return {name: found[name] for name in items}


def _one_by_one(
    work: Callable[[Common, Item], Result],
    items: Mapping[str, Item],
    workers: Workers,
    common: Callable[[], Common],
    here: Common | None,
    on_done: Callable[[str], None],
) -> dict[str, Result]:
    found: dict[str, Result] = {}
    with _threads(workers.threads):
        shared = common() if here is None else here
        for name, item in items.items():
            with _named(name):
                found[name] = work(shared, item)
            on_done(name)
    return found


def _side_by_side(
    work: Callable[[Common, Item], Result],
    items: Mapping[str, Item],
    workers: Workers,
    common: Callable[[], Common],
    on_done: Callable[[str], None],
) -> dict[str, Result]:
    waiting, found = iter(items.items()), {}
    pools = [_pool(workers, place, common) for place in range(workers.count)]
    running: dict[Future[Result], tuple[str, ProcessPoolExecutor]] = {}

    def start(pool: ProcessPoolExecutor) -> None:
        if (item := next(waiting, None)) is not None:
            running[pool.submit(_call, work, item[1])] = (item[0], pool)

    with _interrupts_between_looks() as look:
        try:
            # Processes started here never see Ctrl-C, which the terminal sends to all: this process ends them.
            with _on_interrupt(signal.SIG_IGN):
                for pool in pools:
                    start(pool)
            while running:
                look()
                leaving.leave()
                for future in wait(running, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED).done:
                    name, pool = running.pop(future)
                    with _named(name):
                        found[name] = future.result()
                    on_done(name)
                    start(pool)
        finally:
            for pool in pools:
                pool.shutdown(wait=True, kill_workers=True)
    return {name: found[name] for name in items}


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the name of an item before what is said of it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except BrokenProcessPool as error:
        raise InputError(
            f"{name}: its process was ended from outside, or for want of memory; run the same command again to go on, "
            "with a smaller runtime.workers where memory is short"
        ) from error
    except Exception as error:
        raise WorkError(f"{name}: {type(error).__name__}: {error}") from error


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _on_interrupt(handler: Callable[[int, Any], object] | signal.Handlers) -> Iterator[None]:
    """Answer Ctrl-C in this way inside the block; only the main thread can, and only it is told of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _interrupts_between_looks() -> Iterator[Callable[[], None]]:
    """Take Ctrl-C where the function handed out is called; elsewhere it could leave a lock of the pools taken."""
    asked = threading.Event()

    def look() -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    with _on_interrupt(lambda number, frame: asked.set()):
        yield look


def _pool(workers: Workers, place: int, common: Callable[[], Any]) -> ProcessPoolExecutor:
    """Return one worker, which starts with its first item."""
    return ProcessPoolExecutor(
        max_workers=1,
        initializer=_prepare,
        initargs=(os.getpid(), workers.threads, user_modules(), common),
        env=workers.environment(place),
    )


class _Worker:
    """In a worker process: what it was started with, and what every item needs once that has been made."""

    modules: tuple[str, ...] = ()
    common: Callable[[], Any]


def _prepare(parent: int, threads: int, modules: tuple[str, ...], common: Callable[[], Any]) -> None:
    """Make a new process a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leaving.end_with(parent)
    torch.set_num_threads(threads)
    progress.silence()
    _Worker.modules, _Worker.common = modules, common


def _call(work: Callable[[Any, Any], Any], item: Any) -> Any:
    for module in _Worker.modules:
        imported_module(module, argument="--import")
    shared = _Worker.common()
    _Worker.modules, _Worker.common = (), lambda: shared
    return work(shared, item)

"""Commands that torchrun or srun starts in several processes at once: they share the work, and one of them speaks."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence

from wsrnas.cli import terminal
from wsrnas.errors import InputError, refuse

SHARED = ("search", "train", "evaluate")
"""Commands whose work several processes share."""
TRACES = ("WORLD_SIZE", "SLURM_NTASKS")
"""Variables without which nobody started several processes."""


def place() -> tuple[int, int]:
    """Return this process's number among all that were started together, and among those on its machine."""
    if not _launched():
        return 0, 0
    from wsrnas.runtime.launch import srun_tasks

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        names = ("RANK", "LOCAL_RANK")
    elif srun_tasks() > 1:
        names = ("SLURM_PROCID", "SLURM_LOCALID")
    else:
        return 0, 0
    rank, local = (int(os.environ.get(name, "0")) for name in names)
    return rank, local


@contextlib.contextmanager
def one_speaks(arguments: Sequence[str]) -> Iterator[None]:
    """Silence all but the first of several processes inside the block, and let a scheduler's signals end them together.

    Raises:
        InputError: a command that several processes cannot share.
    """
    if not _launched():
        yield
        return
    from wsrnas.runtime import leaving
    from wsrnas.runtime.launch import cluster

    if (launched := cluster()) is None:
        yield
        return
    if arguments and arguments[0] not in SHARED:
        remedy = "start it without torchrun or srun"
        shared = f"{', '.join(SHARED[:-1])} or {SHARED[-1]} in {launched.world_size()} processes"
        refuse("command", expected=shared, got=arguments[0], remedy=remedy)
    leaving.listen()
    if launched.global_rank() == 0:
        yield
        return
    warnings.showwarning = lambda *_, **__: None
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def say(text: str, error: BaseException | None = None) -> None:
    """Write to the standard error: the first process everything, another one what the first cannot know.

    An error that was found before the processes met is the same on all of a machine; one of a machine says it.
    """
    rank, local = place()
    if rank == 0:
        print(text, file=sys.stderr)
    elif isinstance(error, InputError) and not error.shared:
        from wsrnas.runtime import processes

        if processes.size() > 1 or local == 0:
            print(f"process {rank}: {text}", file=sys.stderr)


def end(code: int, *, met: bool) -> None:
    """End one of several processes with this code; return where this one has no others.

    `met` says that all of them end here. The interpreter's own end is left out: threads of the connection may abort the
    process there when another one goes first.
    """
    if not _launched():
        return
    from wsrnas.runtime import processes

    if processes.size() == 1:
        return
    if met:
        processes.part()
    with contextlib.suppress(OSError):
        terminal.flush()
    os._exit(code)


def lost(error: Exception) -> bool:
    """Return whether this is what a process raises because another one has ended."""
    if not _launched():
        return False
    from wsrnas.runtime.processes import LostError

    return isinstance(error, LostError)


def _launched() -> bool:
    return any(name in os.environ for name in TRACES)

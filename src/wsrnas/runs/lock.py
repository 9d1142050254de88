"""One process at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wsrnas.errors import InputError, refuse
from wsrnas.files import explained
from wsrnas.runtime import processes


class InUseError(InputError):
    """Another process holds the folder."""


@contextmanager
def held(folder: Path | None, *, argument: str = "--out") -> Iterator[None]:
    """Keep other processes and threads out of the folder inside the block; the lock dies with its process.

    Blocks of one thread may lie inside each other. None holds nothing. Of several processes that share the work the
    first one holds it for all.

    Raises:
        InUseError: the folder is in use.
        InputError: it cannot be written.
    """
    if folder is None:
        yield
        return
    with ExitStack() as stack:
        processes.first(lambda: stack.enter_context(_held(folder, argument)))
        yield


@contextmanager
def _held(folder: Path, argument: str) -> Iterator[None]:
    made = first_missing(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explained(error, folder) from error
    lock = take(folder, argument=argument, again=True)
    try:
        yield
    except InputError:
        lock.release()
        remove_if_empty(folder, made)
        raise
    finally:
        lock.release()


def take(folder: Path, *, argument: str = "--out", again: bool = False) -> FileLock:
    """Take the lock of an existing folder; release it, or let it die with its process.

    Args:
        argument: what names the folder in messages.
        again: let the thread that holds it already take it once more.

    Raises:
        InUseError: the folder is in use.
        InputError: it cannot be written.
    """
    path = folder / ".lock"
    if path.is_symlink():
        refuse(argument, expected=f"{path} to be a file of its own", got="a link", remedy="delete it")
    lock = FileLock(path, timeout=0, is_singleton=again)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"{argument}: {folder} is in use by another wsrnas process; wait for it or choose another"
        raise InUseError(message) from error
    except OSError as error:
        raise explained(error, path) from error
    except RuntimeError as error:  # no locks on this file system
        raise InputError(f"{argument}: {folder} lies where files cannot be locked; choose another") from error
    return lock


def first_missing(path: Path) -> Path | None:
    """Return the outermost folder that would have to be made for `path`; None where it is there."""
    return next((place for place in reversed([path, *path.parents]) if not place.exists()), None)


def remove_if_empty(path: Path, made: Path | None) -> None:
    """Remove a folder that holds nothing but a lock, and those above it up to `made`, the outermost new one."""
    if made is None or {item.name for item in path.iterdir()} - {".lock"}:
        return
    (path / ".lock").unlink(missing_ok=True)
    for place in (path, *path.parents):
        if place != made and made not in place.parents:
            return
        if any(place.iterdir()):
            return
        place.rmdir()

"""A progress bar with time left; in a log file, a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LOG_EVERY_SECONDS = 20.0
_SILENCED: list[bool] = []


@runtime_checkable
class Bar(Protocol):
    """What long work reports to."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count `count` more units as done and show `note` beside the bar."""


class _SilentBar:
    def advance(self, count: int = 1, note: str = "") -> None:
        pass


class _TerminalBar:
    def __init__(self, progress: Progress, title: str, total: int, done: int) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total, completed=done, note="")

    def advance(self, count: int = 1, note: str = "") -> None:
        self._progress.update(self._task, advance=count, note=note)


class _LogBar:
    def __init__(self, title: str, total: int, done: int) -> None:
        self._title, self._total, self._first, self._done = title, total, done, done
        self._started = time.monotonic()
        self._last_line = self._started

    def advance(self, count: int = 1, note: str = "") -> None:
        self._done += count
        now = time.monotonic()
        if now - self._last_line < LOG_EVERY_SECONDS and self._done < self._total:
            return
        self._last_line = now
        elapsed = now - self._started
        left = elapsed / max(self._done - self._first, 1) * (self._total - self._done)
        clock = f"{elapsed:.0f} s, about {left:.0f} s left"
        print(f"{self._title}: {self._done}/{self._total} ({clock}) {note}".rstrip(), file=sys.stderr, flush=True)


def silence() -> None:
    """Show nothing in this process from now on: another one shows how far the whole work is."""
    _SILENCED.append(True)


@contextmanager
def progress(title: str, total: int, *, done: int = 0, quiet: bool = False) -> Iterator[Bar]:
    """Show how far a piece of long work is; `done` units were finished by an earlier run of the same command."""
    if quiet or _SILENCED:
        yield _SilentBar()
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _LogBar(title, total, done)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as shown:
        yield _TerminalBar(shown, title, total, done)

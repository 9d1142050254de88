"""How a process ends early without losing or leaving anything: on request after a checkpoint, or with its parent."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType

from wsrnas.runtime import processes

PARENT_EVERY = 0.5
"""Seconds between two looks at whether the process that started this one is still there."""
REQUESTS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR2") if hasattr(signal, name))
"""Signals that ask for a checkpoint and an end: what schedulers send before a time limit."""
_asked = threading.Event()


def listen() -> None:
    """Take the signals of `REQUESTS` as a request from now on."""
    for request in REQUESTS:
        signal.signal(request, _take)


def _take(number: int, frame: FrameType | None) -> None:
    _asked.set()


def asked() -> bool:
    """Return whether any of the processes that share the work was asked to end.

    Whoever sees it saves first and then calls `leave`; so do the others, which see it at the same place.
    """
    if processes.agree(_asked.is_set()):
        _asked.set()
    return _asked.is_set()


def leave() -> None:
    """End as Ctrl-C does, where this work was asked to; to be called where everything has just been saved.

    Raises:
        KeyboardInterrupt: it was asked to.
    """
    if asked():
        raise KeyboardInterrupt


def end_with(parent: int) -> None:
    """End this process at once when `parent` is no longer the one above it, which looks after it and is gone."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_EVERY)
    os._exit(1)

"""A sweep on this machine: several processes at a time, one a CUDA device or a few to the cores."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from wsrnas.parts import user_modules
from wsrnas.runtime import RuntimeConfig
from wsrnas.runtime.workers import workers_for
from wsrnas.sweeps.attempt import RETRIES, Process, outcome, start
from wsrnas.sweeps.folder import Outcome, SweepFolder
from wsrnas.sweeps.plan import SweepRun

LOOK_EVERY = 0.1
LEAVING = 15.0
"""Seconds that runs have for a checkpoint when the sweep is stopped."""


def run_local(
    runs: Sequence[SweepRun], folder: SweepFolder, workers: int | None, on_end: Callable[[Outcome], None]
) -> None:
    """Do every run and tell how it ended; Ctrl-C asks those under way for a checkpoint and leaves no process."""
    places = workers_for(RuntimeConfig(workers=workers), max(len(runs), 1))
    waiting, tries = deque(runs), dict.fromkeys((run.name for run in runs), 0)
    running: dict[int, tuple[SweepRun, Process]] = {}
    try:
        while waiting or running:
            for place in range(places.count):
                if place not in running and waiting:
                    run = waiting.popleft()
                    running[place] = run, start(run, folder, places.environment(place), modules=user_modules())
            time.sleep(LOOK_EVERY)
            for place, (run, process) in list(running.items()):
                if (code := process.poll()) is None:
                    continue
                del running[place]
                tries[run.name] += 1
                found = outcome(run, folder, code)
                if code < 0 and tries[run.name] <= RETRIES:
                    waiting.appendleft(run)
                else:
                    on_end(found)
    finally:
        _end([process for _, process in running.values()])


def _end(processes: list[Process]) -> None:
    for process in processes:
        process.terminate()
    last = time.monotonic() + LEAVING
    for process in processes:
        while process.poll() is None and time.monotonic() < last:
            time.sleep(LOOK_EVERY)
        process.kill()
        process.wait()

"""A sweep as an array of SLURM jobs; the only file that knows submitit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from wsrnas.errors import InputError
from wsrnas.extras import optional
from wsrnas.sweeps.attempt import Process, complete
from wsrnas.sweeps.folder import Outcome, SweepFolder
from wsrnas.sweeps.plan import SweepRun

LOOK_EVERY = 1.0
TIMEOUTS = 100
"""How often a job that runs out of time is put into the queue again."""
USUAL = {"timeout_min": 60, "slurm_signal_delay_s": 120, "cpus_per_task": 1}


class Job:
    """What a job does, as submitit calls it: the run, and before its time is over a checkpoint and another job."""

    def __init__(self, run: SweepRun, folder: SweepFolder, modules: tuple[str, ...]) -> None:
        self.run, self.folder, self.modules = run, folder, modules
        self._processes: list[Process] = []

    def __call__(self) -> str:
        """Do the run; return how it ended."""
        threads = os.environ.get("SLURM_CPUS_PER_TASK", "1")
        environment = {"OMP_NUM_THREADS": threads, "LOKY_MAX_CPU_COUNT": threads}
        found = complete(self.run, self.folder, environment, modules=self.modules, started=self._processes.append)
        self.folder.write_outcome(found)
        return found.state

    def checkpoint(self) -> Any:
        """Ask the run for a checkpoint, wait for it, and return the job that goes on from there."""
        import submitit

        for process in self._processes[-1:]:
            # This is called inside a signal handler, while `process.wait` below it holds a lock of its own.
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(process.pid, signal.SIGTERM)
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        return submitit.helpers.DelayedSubmission(Job(self.run, self.folder, self.modules))


def check_slurm() -> None:
    """Refuse where submitit is not installed."""
    optional("submitit", extra="slurm", argument="--on")


def run_slurm(
    runs: Sequence[SweepRun],
    folder: SweepFolder,
    workers: int | None,
    on_end: Callable[[Outcome], None],
    *,
    settings: dict[str, Any],
    modules: tuple[str, ...],
) -> None:
    """Put every run into the queue, at most `workers` at a time, wait, and tell how each ended.

    Before the time of a job is over, and when it is preempted, its run saves a checkpoint and is queued again. Ctrl-C
    cancels the jobs; those that run save a checkpoint first.

    Raises:
        InputError: submitit is not installed, there is no SLURM here, or a setting that submitit does not know.
    """
    submitit = optional("submitit", extra="slurm", argument="--on")
    asked = {**USUAL, **settings}
    if workers is not None:
        asked["slurm_array_parallelism"] = workers
    arguments = {"slurm_max_num_timeout": TIMEOUTS}
    try:
        executor = submitit.AutoExecutor(folder.path / "slurm" / "%j", cluster="slurm", **arguments)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"--on: expected SLURM on this machine, got none ({error}); submit from a login node"
        ) from error
    try:
        executor.update_parameters(**asked)
    except (NameError, TypeError, ValueError) as error:
        raise InputError(f"slurm: {' '.join(str(error).split())}; mend these settings of the plan") from error
    with executor.batch():
        jobs = {run.name: executor.submit(Job(run, folder, modules)) for run in runs}
    _wait(runs, jobs, folder, on_end)


def _wait(
    runs: Sequence[SweepRun], jobs: dict[str, Any], folder: SweepFolder, on_end: Callable[[Outcome], None]
) -> None:
    left = {run.name: run for run in runs}
    try:
        while left:
            time.sleep(LOOK_EVERY)
            for name, run in list(left.items()):
                if not jobs[name].done():
                    continue
                del left[name]
                found = folder.outcome(run)
                if found.state == "waiting":
                    message = f"its job ended without a word ({jobs[name].state}); see {jobs[name].paths.stderr}"
                    found = Outcome(name=name, state="failed", message=message)
                on_end(found)
    finally:
        for name in left:
            jobs[name].cancel()

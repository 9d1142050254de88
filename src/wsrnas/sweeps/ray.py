"""A sweep on a Ray cluster; the only file that knows Ray."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from wsrnas.errors import InputError
from wsrnas.extras import optional
from wsrnas.parts import user_modules
from wsrnas.sweeps.attempt import RETRIES, complete
from wsrnas.sweeps.folder import Outcome, SweepFolder
from wsrnas.sweeps.plan import SweepRun

LOOK_EVERY = 1.0


def check_ray() -> None:
    """Refuse where Ray is not installed."""
    optional("ray", extra="ray", argument="--on", called="Ray")


def run_ray(
    runs: Sequence[SweepRun], folder: SweepFolder, workers: int | None, on_end: Callable[[Outcome], None]
) -> None:
    """Do every run on the cluster that RAY_ADDRESS names, or that runs on this machine, and tell how it ended.

    Each takes one CPU, and one GPU where the cluster has any; a run whose worker dies is started again elsewhere and
    goes on from its last checkpoint. Every machine needs wsrnas, the data and the sweep's folder at the same place.

    Raises:
        InputError: Ray is not installed, or there is no such cluster.
    """
    ray = optional("ray", extra="ray", argument="--on", called="Ray")
    try:
        ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        remedy = "start one with `ray start --head`, or set RAY_ADDRESS; what is done stays done"
        raise InputError(f"--on: expected a Ray cluster that can be reached, got none ({reason}); {remedy}") from error
    try:
        _run(ray, runs, folder, workers, on_end)
    finally:
        ray.shutdown()


def _run(
    ray: Any, runs: Sequence[SweepRun], folder: SweepFolder, workers: int | None, on_end: Callable[[Outcome], None]
) -> None:
    gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
    remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(complete)
    waiting = deque(runs)
    running: dict[Any, SweepRun] = {}
    try:
        while waiting or running:
            while waiting and len(running) < (workers or len(runs)):
                run = waiting.popleft()
                one = {"OMP_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
                running[remote.remote(run, folder, one, modules=user_modules())] = run
            ended, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_EVERY)
            for reference in ended:
                on_end(_outcome(ray, reference, running.pop(reference)))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)


def _outcome(ray: Any, reference: Any, run: SweepRun) -> Outcome:
    try:
        found: Outcome = ray.get(reference)
        return found
    except ray.exceptions.RayError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
        return Outcome(name=run.name, state="failed", message=f"its worker was lost ({reason})")

"""What a test must not leave behind: the environment, threads, processes, process groups, settings, files."""

from __future__ import annotations

import multiprocessing
import os
import threading
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from matplotlib import pyplot

ROOT = Path(__file__).resolve().parents[1]
KNOWN_VARIABLES = (
    "KMP_DUPLICATE_LIB_OK",
    "KMP_INIT_AT_FORK",
    "PYTEST_CURRENT_TEST",
    "PYTORCH_NVML_BASED_CUDA_CHECK",
    "TORCHINDUCTOR_CACHE_DIR",
)
"""Variables that scikit-learn, the engine and PyTorch set when they are first used, and pytest's own."""
KNOWN_THREADS = ("TMonitor",)
"""Threads that a library keeps for the whole process: tqdm's monitor."""
KNOWN_FILES = frozenset((".coverage", ".hypothesis", ".pytest_cache"))
"""Files that the test tools themselves keep in the folder they run in."""


@dataclass(frozen=True)
class Traces:
    """The state of this process that tests share."""

    environment: dict[str, str]
    folder: Path
    files: frozenset[Path]
    threads: frozenset[threading.Thread]
    processes: frozenset[int | None]
    process_group: bool
    settings: tuple[object, ...]
    figures: tuple[int, ...]


def traces(folders: tuple[Path, ...]) -> Traces:
    """Return the state now, with the entries of `folders`."""
    return Traces(
        environment={name: value for name, value in os.environ.items() if name not in KNOWN_VARIABLES},
        folder=Path.cwd(),
        files=frozenset(
            folder / entry for folder in folders for entry in os.listdir(folder) if entry not in KNOWN_FILES
        ),
        threads=frozenset(one for one in threading.enumerate() if type(one).__name__ not in KNOWN_THREADS),
        processes=frozenset(child.pid for child in multiprocessing.active_children()),
        process_group=torch.distributed.is_available() and torch.distributed.is_initialized(),
        settings=(
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
        ),
        figures=tuple(pyplot.get_fignums()),
    )


def left_behind(before: Traces, after: Traces) -> dict[str, object]:
    """Return what changed for good, by kind; threads and processes that ended are no trace."""
    found: dict[str, object] = {}
    for field in fields(Traces):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name in ("threads", "processes"):
            new = new - old
            old = frozenset()
        if field.name == "environment" and old != new:
            found[field.name] = sorted(dict(set(old.items()) ^ set(new.items())))
        elif field.name == "files" and old != new:
            found[field.name] = sorted(str(path) for path in old ^ new)
        elif old != new:
            found[field.name] = (old, new) if old else new
    return found

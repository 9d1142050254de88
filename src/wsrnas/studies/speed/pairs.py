"""Two ways of doing the same work, timed in pairs that take turns: on a busy machine only their ratio means much."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from wsrnas.networks.cost import wait


@dataclass(frozen=True, kw_only=True)
class Work:
    """One phase done by us and by another.

    Args:
        phase: what is done.
        against: who else does it.
        ours: does it once.
        theirs: does it once.
        images: how many images one call handles; 0 where it handles none.
        passes: network passes per image of our call, forward and backward one each.
        multiply_adds: of one forward pass of one image.
        pairs: how often at most; None leaves it to the caller.
    """

    phase: str
    against: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    images: int = 0
    passes: int | float = 0
    multiply_adds: int = 0
    pairs: int | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of a work: ratios above 1 mean that we are faster; seconds are medians of one call."""

    phase: str
    against: str
    ratio: tuple[float, float, float]
    seconds: float
    seconds_against: float
    pairs: int
    images_per_second: float | None
    passes_per_image: int | float | None
    share_of_peak: float | None
    memory_mib: float | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**vars(self), "ratio": list(self.ratio)}


def measured(work: Work, *, pairs: int, peak: float, device: torch.device) -> Row:
    """Do the work once to warm up, then in pairs whose order alternates; `peak` is the device's FLOP/s."""
    memory = peak_memory(work.ours, device)
    once = work.pairs == 1
    if not once:
        seconds(work.theirs, device)
    found = []
    for index in range(pairs if work.pairs is None else min(pairs, work.pairs)):
        if index % 2:
            theirs, ours = seconds(work.theirs, device), seconds(work.ours, device)
        else:
            ours, theirs = seconds(work.ours, device), seconds(work.theirs, device)
        found.append((ours, theirs))
    ratios = sorted(theirs / ours for ours, theirs in found)
    typical = median(ours for ours, _ in found)
    operations = 2.0 * work.multiply_adds * work.passes * work.images
    return Row(
        phase=work.phase,
        against=work.against,
        ratio=(ratios[0], median(ratios), ratios[-1]),
        seconds=typical,
        seconds_against=median(theirs for _, theirs in found),
        pairs=len(found),
        images_per_second=work.images / typical if work.images else None,
        passes_per_image=work.passes or None,
        share_of_peak=operations / typical / peak if operations else None,
        memory_mib=memory,
    )


def peak_flops(device: torch.device, *, size: int = 1024, repeats: int = 5) -> float:
    """Return the float operations a second of a large matrix product, the best of a few: the measured peak."""
    left, right = torch.rand(size, size, device=device), torch.rand(size, size, device=device)
    best = min(seconds(lambda: left @ right, device) for _ in range(repeats))
    return 2.0 * size**3 / best


def peak_memory(work: Callable[[], object], device: torch.device) -> float | None:
    """Return by how many MiB the work raises the memory in use at its peak; None where the system does not say."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        clear.write_text("5")
        before = _resident(status, "VmRSS")
        work()
        return max(_resident(status, "VmHWM") - before, 0) / 1024
    except OSError:
        scale = 2**20 if sys.platform == "darwin" else 1024
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
        return grown / scale if grown else None


def _resident(status: Path, key: str) -> int:
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(key))


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return how long the work takes, the device waited for."""
    started = time.perf_counter()
    work()
    wait(device)
    return max(time.perf_counter() - started, 1e-9)

"""Pieces of work for test_parallel.py, in a module that another process can import."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch
from torch.nn import functional

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.runtime import RuntimeConfig
from wsrnas.runtime.workers import workers_for


def load() -> torch.Tensor:
    """Return what every item needs: 64 numbers."""
    return torch.rand(64, generator=rng.stream(0, "numbers"))


def sums(numbers: torch.Tensor, seed: int) -> tuple[torch.Tensor, int, int, int]:
    """Return sums of random products, the first item's last, and the threads, process and workers they were made by."""
    time.sleep(0.6 if seed == 0 else 0.0)
    images = torch.rand(96, 64, generator=rng.stream(seed, "images")) * numbers
    product = functional.conv2d(images.view(6, 16, 8, 8), images.view(16, 16, 6, 4)[..., :3, :3])
    own = workers_for(RuntimeConfig(device="cpu"), 2).count
    return product, torch.get_num_threads(), os.getpid(), own


def unhappy(_: None, how: str) -> str:
    """End in one of several ways."""
    if how == "refused":
        refuse("strengths", expected="at least one", got="none")
    if how == "broken":
        return str(1 // 0)
    if how == "killed":
        os.kill(os.getpid(), 9)
    return how


def endless(_: None, folder: Path) -> None:
    """Write this process's number into the folder and work on for ever."""
    (folder / str(os.getpid())).touch()
    while True:
        time.sleep(0.05)

"""How many processes independent work is spread over, and what each of them may use."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from joblib import cpu_count

from wsrnas.runtime.config import RuntimeConfig
from wsrnas.runtime.launch import cluster


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Processes for independent work: how many, CPU threads of each, and the CUDA device of each (none on a CPU).

    On a CPU the number of threads depends on the settings alone and never on how many processes there are: sums over
    another number of threads differ in their last bits.
    """

    count: int
    threads: int
    devices: tuple[str, ...] = ()

    @property
    def here(self) -> bool:
        """Whether the work is done in this process, one item after another."""
        return self.count == 1

    def environment(self, place: int) -> dict[str, str]:
        """Return the variables of the process at that place; one that asks for workers itself gets one."""
        variables = {"OMP_NUM_THREADS": str(self.threads), "LOKY_MAX_CPU_COUNT": str(self.threads)}
        if self.devices:
            variables["CUDA_VISIBLE_DEVICES"] = self.devices[place % len(self.devices)]
        return variables


def workers_for(config: RuntimeConfig, items: int) -> Workers:
    """Return the processes for so many items: `config.workers`, else one a CUDA device, else the cores by the threads.

    A process that torchrun or srun started with others, and any device that is neither a CPU nor CUDA, works alone.
    """
    threads = config.threads or 1
    if cluster() is not None or items < 2:
        return Workers(count=1, threads=threads)
    if config.device in ("cuda", "auto") and torch.cuda.is_available():
        devices = _cuda_devices()
        count = min(config.workers or len(devices), items)
        return Workers(count=count, threads=config.threads or max(cpu_count() // count, 1), devices=devices)
    if config.device == "mps" or (config.device == "auto" and torch.backends.mps.is_available()):
        return Workers(count=1, threads=threads)
    count = config.workers or max(cpu_count() // threads, 1)
    return Workers(count=min(count, items), threads=threads)


def _cuda_devices() -> tuple[str, ...]:
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return tuple(visible) or tuple(str(index) for index in range(torch.cuda.device_count()))

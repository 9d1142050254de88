"""How this process was started: alone, or as one of several by torchrun or srun."""

from __future__ import annotations

import os
import shutil

from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from wsrnas.errors import InputError


def cluster() -> ClusterEnvironment | None:
    """Return what the launcher says of this process and its peers; None where it is the only one.

    Raises:
        InputError: variables of srun that the engine cannot use.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return TorchElasticEnvironment()
    if srun_tasks() < 2:
        return None
    try:
        return SLURMEnvironment(auto_requeue=False)
    except RuntimeError as error:
        message = "srun: expected --ntasks-per-node, got --ntasks alone; say how many processes each machine has"
        raise InputError(message) from error


def srun_tasks() -> int:
    """Return how many tasks the step of srun has that this process belongs to, 1 outside of one.

    A batch script has SLURM_NTASKS too, but runs once: what srun started has the step's own count.
    """
    step = os.environ.get("SLURM_STEP_NUM_TASKS")
    if step is None and shutil.which("srun") is None:
        step = os.environ.get("SLURM_NTASKS")
    return int(step or "1")


def local_size(found: ClusterEnvironment) -> int:
    """Return how many of the processes run on this machine."""
    name = "SLURM_NTASKS_PER_NODE" if isinstance(found, SLURMEnvironment) else "LOCAL_WORLD_SIZE"
    return int(os.environ.get(name, found.world_size()))

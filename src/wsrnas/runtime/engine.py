"""Device, precision, memory format and processes: the only file that knows the distributed engine.

Several processes are started by torchrun or srun; each works on its share of every batch. Modules are never wrapped, so
attacks, estimators and evaluation always see the bare network.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from wsrnas import progress
from wsrnas.errors import InputError, as_written
from wsrnas.fast import use_fast_paths
from wsrnas.runtime import processes
from wsrnas.runtime.config import RuntimeConfig
from wsrnas.runtime.launch import cluster, local_size

Module = TypeVar("Module", bound=nn.Module)


class Runtime:
    """The engine of one process.

    Raises:
        InputError: variables of the launcher that do not fit together.
    """

    def __init__(self, config: RuntimeConfig | None = None) -> None:
        self.config = config or RuntimeConfig()
        if self.config.threads is not None:
            torch.set_num_threads(self.config.threads)
        precision: Any = self.config.precision
        launched = cluster()
        if launched is None or processes.is_alone():
            own = launched is not None and torch.cuda.is_available() and self.config.device in ("auto", "cuda")
            self._fabric = Fabric(
                accelerator=self.config.device,
                devices=[launched.local_rank()] if launched is not None and own else 1,
                precision=precision,
                plugins=[LightningEnvironment()],
            )
            self._fabric.launch()
            return
        here = local_size(launched)
        for said in ("distributed", "rank_zero"):  # every process would say that it has begun
            logging.getLogger(f"lightning_fabric.utilities.{said}").setLevel(logging.WARNING)
        try:
            self._fabric = Fabric(
                accelerator=self.config.device,
                devices=here,
                num_nodes=launched.world_size() // here,
                strategy=DDPStrategy(timeout=processes.PATIENCE),
                precision=precision,
                plugins=[launched],
            )
        except ValueError as error:
            raise InputError(f"processes: the launcher's variables do not fit together ({error})") from error
        self._fabric.launch()
        processes.joined()
        if not processes.is_first():
            progress.silence()

    @property
    def device(self) -> torch.device:
        """This process's device."""
        return self._fabric.device

    @property
    def rank(self) -> int:
        """This process's number, from 0."""
        return processes.rank()

    @property
    def world_size(self) -> int:
        """How many processes share the work."""
        return processes.size()

    @property
    def is_main(self) -> bool:
        """Whether this process writes files."""
        return processes.is_first()

    def prepare(self, module: Module) -> Module:
        """Move a module to the device and memory format, in place, and open or close its fast paths."""
        module.to(self.device)
        use_fast_paths(module, self.config.fast)
        if self.config.channels_last:
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.ndim == 4:
                    tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
        return module

    def images(self, images: Tensor) -> Tensor:
        """Move a batch of images to the device and memory format."""
        images = images.to(self.device, non_blocking=True)
        return images.contiguous(memory_format=torch.channels_last) if self.config.channels_last else images

    def autocast(self) -> AbstractContextManager[None]:
        """Compute in the configured precision inside the block; does nothing at 32-true."""
        return self._fabric.autocast()


def device_named(name: str) -> torch.device:
    """Return the device that the option ``--device`` names.

    Raises:
        InputError: no such device, or none on this machine.
    """
    with as_written({"runtime.device": "--device"}):
        return Runtime(RuntimeConfig(device=name)).device

"""How long a network pass takes on this machine: a few networks are timed, the others follow by multiply-adds."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from wsrnas.networks.cost import count_multiply_adds
from wsrnas.runtime import Runtime
from wsrnas.training.throughput import measure_throughput

BATCH, SECONDS = 8, 0.4


class Clock:
    """Seconds of a network pass: one network of each family and image size is timed, the others by multiply-adds."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.rates: dict[tuple[str, tuple[int, int, int]], float] = {}
        self.counted: dict[tuple[object, ...], int] = {}

    def seconds(
        self, family: str, key: tuple[object, ...], build: Callable[[], nn.Module], shape: tuple[int, int, int]
    ) -> float:
        """Return the seconds of a pass of one image; `key` tells equal networks."""
        if (key, shape) not in self.counted:
            with torch.device("meta"):
                self.counted[key, shape] = max(1, count_multiply_adds(build(), shape))
        adds = self.counted[key, shape]
        if (family, shape) not in self.rates:
            prepared = self.runtime.prepare(build())
            speed = measure_throughput([prepared], shape, batch_size=BATCH, runtime=self.runtime, seconds=SECONDS)
            self.rates[family, shape] = adds * speed.passes
        return adds / self.rates[family, shape]

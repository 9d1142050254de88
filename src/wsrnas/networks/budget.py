"""What a network asks of a machine, in one value: parameters, multiply-adds, memory and latency."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from wsrnas.networks.cost import Latency, count_cost, evaluating, images_for, measure_latency

SECONDS = 0.2
"""How long a network is timed where nobody says otherwise; at least `cost.FEWEST_RUNS` passes are."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Counted, so the same on every machine: parameters, multiply-adds of one image, and `peak_memory` in bytes.

    The memory is that of weights, buffers, a batch of `batch_size` images (C,H,W) and the most tensors that are alive
    at once in the forward pass; what a kernel needs for itself comes on top. `latency` was measured on one machine.
    """

    parameters: int
    multiply_adds: int
    peak_memory: int
    image_shape: tuple[int, int, int]
    batch_size: int = 1
    latency: Latency | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """Return what it says in words, for tables and cards."""
        shape = "x".join(map(str, self.image_shape))
        lines = [
            ("parameters", f"{self.parameters:,}"),
            ("multiply-adds", f"{self.multiply_adds:,} for an image of {shape}"),
            ("peak memory", f"{mebibytes(self.peak_memory)} at batch {self.batch_size}, counted"),
        ]
        return lines if self.latency is None else [*lines, ("latency", latency_text(asdict(self.latency)))]


def count_budget(network: nn.Module, image_shape: tuple[int, int, int], *, batch_size: int = 1) -> Budget:
    """Return what can be counted; a network under ``torch.device("meta")`` is counted without any memory.

    Raises:
        InputError: sizes below 1.
    """
    cost = count_cost(network, image_shape)
    return Budget(
        parameters=cost.parameters,
        multiply_adds=cost.multiply_adds,
        peak_memory=count_peak_memory(network, image_shape, batch_size=batch_size),
        image_shape=image_shape,
        batch_size=batch_size,
    )


def measure_budget(
    network: nn.Module, image_shape: tuple[int, int, int], *, batch_size: int = 1, seconds: float = SECONDS
) -> Budget:
    """Return what can be counted, and the latency on the network's own device.

    Raises:
        InputError: sizes below 1, or a network on the meta device.
    """
    latency = measure_latency(network, image_shape, batch_size=batch_size, seconds=seconds)
    return replace(count_budget(network, image_shape, batch_size=batch_size), latency=latency)


def count_peak_memory(network: nn.Module, image_shape: tuple[int, int, int], *, batch_size: int = 1) -> int:
    """Return the bytes of weights, buffers and images, and of the most tensors alive at once in a forward pass.

    Raises:
        InputError: sizes below 1.
    """
    images = images_for(network, batch_size, image_shape)
    with evaluating(network), torch.no_grad(), _Alive() as alive:
        for tensor in (*network.parameters(), *network.buffers(), images):
            alive.see(tensor)
        network(images)
    return alive.peak


class _Alive(TorchDispatchMode):
    """Adds up the bytes of every storage from when it appears until nothing holds it any more."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and look at what came out."""
        found = func(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, Tensor):
                self.see(one)
        return found

    def see(self, tensor: Tensor) -> None:
        """Count the memory behind a tensor once; views and what is done in place share it."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return

        def gone(_: object) -> None:
            del self._seen[key]
            self.now -= size

        self._seen[key] = weakref.ref(storage, gone)
        self.now += size
        self.peak = max(self.peak, self.now)


def mebibytes(count: int) -> str:
    """Write bytes as people read them."""
    return f"{count / 2**20:.3g} MiB"


def latency_text(latency: Mapping[str, Any]) -> str:
    """Write a measured latency with everything it belongs to."""
    threads = f", {latency['threads']} thread{'s' if latency['threads'] != 1 else ''}"
    where = f"{latency['device']}{threads if latency['device'] == 'cpu' else ''}"
    return (
        f"{1000 * latency['median']:.3g} ms, 95 % below {1000 * latency['percentile_95']:.3g} ms "
        f"({where}, batch {latency['batch_size']}, {latency['runs']} passes)"
    )

"""The sizes and batches that a search settles before it starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from wsrnas.data import DataBundle, Split
from wsrnas.errors import refuse
from wsrnas.models.network import SizeConfig
from wsrnas.models.network import network_config as sized_for
from wsrnas.networks.cost import count_parameters as count_parameters
from wsrnas.runtime import Runtime, processes
from wsrnas.search.config import SearchConfig
from wsrnas.search.latency import Latencies
from wsrnas.search.limits import limited_space
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig, SearchSpace


def limited(split: Split, images: int | None, batch_size: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Return the first `images` of a split in order, in whole batches where there is at least one."""
    count = len(split) if images is None else min(images, len(split))
    whole = count // batch_size
    return islice(split.batches(batch_size, device=device), max(whole, 1))


def network_config(config: SearchConfig, data: DataBundle) -> NetworkConfig:
    """Return the size of the networks of a search."""
    return sized_for(size_config(config), data)


def latencies_of(config: SearchConfig, data: DataBundle, runtime: Runtime) -> Latencies:
    """Return what times the architectures of a search on the device of the run; nothing is timed yet."""
    space, sizes = get_space(config.space.name), network_config(config, data)
    return Latencies(space, sizes, batch_size=config.limits.latency_batch, prepare=runtime.prepare)


def space_within_limits(
    config: SearchConfig, data: DataBundle, runtime: Runtime, latencies: Latencies | None = None
) -> SearchSpace:
    """Return the space of a search, less what breaks its limits; a limit of latency is timed by `latencies`.

    Raises:
        InputError: a limit below the smallest network; names its size.
    """
    timed = latencies or latencies_of(config, data, runtime)
    return limited_space(get_space(config.space.name), config.limits, network_config(config, data), timed)


def size_config(config: SearchConfig) -> SizeConfig:
    """Return width, depth and stem of the networks of a search, as a training takes them."""
    return SizeConfig(channels=config.space.channels, layers=config.space.layers, stem=config.space.stem)


def learning_rate(config: SearchConfig, position: int) -> float:
    """Return SGD's rate of a training: constant in the first two loops, then a cosine to a hundredth."""
    budget, start = config.budget, config.training.learning_rate
    constant, total = 2 * budget.population, 2 * budget.population + budget.iterations
    if position < constant:
        return start
    done = (position - constant) / max(total - constant, 1)
    return start * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def refuse_idle_processes(config: SearchConfig, train: int, valid: int) -> None:
    """Refuse batches, of D_t with `train` images and D_v with `valid`, that hold fewer images than there are processes.

    Raises:
        InputError: as said.
    """
    sizes = {"training.batch_size": config.training.batch_size, "measure.batch_size": config.measure.batch_size}
    for name, images in {**sizes, "images of D_t": train, "images of D_v": valid}.items():
        if images < processes.size():
            expected = f"one or more for each of the {processes.size()} processes"
            refuse(name, expected=expected, got=images, remedy="use fewer processes")

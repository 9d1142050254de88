"""What a network costs: parameters and multiply-adds, counted, and latency, measured here and now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from statistics import median, quantiles

import torch
from torch import Tensor, nn

from wsrnas import rng
from wsrnas.errors import refuse

IMAGES_COUNTED = 2
"""Multiply-adds are those of a batch of two, halved: BatchNorm without running averages refuses a single value."""
FEWEST_RUNS = 20
"""So many runs at least, so that 95 % of them is more than a guess."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Counted, so the same on every machine: parameters, and multiply-adds of the forward pass of one image."""

    parameters: int
    multiply_adds: int


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds of one forward pass: the median run, and what 95 % of the runs stay below. Belongs to its machine."""

    median: float
    percentile_95: float
    runs: int
    batch_size: int
    device: str
    threads: int


def count_parameters(network: nn.Module) -> int:
    """Return how many weights a network has; weights used in several places count once."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_multiply_adds(network: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Return the multiply-adds of the forward pass of one image (C,H,W), in evaluation mode.

    Convolutions and matrix products are counted, as the field does; padding counts as pixels do. The network runs on
    its own device: one built under ``torch.device("meta")`` is counted without memory for weights or images.

    Raises:
        InputError: an image shape that is not three sizes of at least 1.
    """
    return count_pass(network, image_shape)[0]


def count_pass(network: nn.Module, image_shape: tuple[int, int, int]) -> tuple[int, tuple[int, ...]]:
    """Return the multiply-adds of one image and the shape of what comes out, without the batch."""
    from torch.utils.flop_counter import FlopCounterMode

    images = images_for(network, IMAGES_COUNTED, image_shape)
    with evaluating(network), torch.no_grad(), FlopCounterMode(display=False) as counter:
        output: Tensor = network(images)
    return counter.get_total_flops() // (2 * IMAGES_COUNTED), tuple(output.shape[1:])


def count_cost(network: nn.Module, image_shape: tuple[int, int, int]) -> Cost:
    """Return parameters and multiply-adds."""
    return Cost(parameters=count_parameters(network), multiply_adds=count_multiply_adds(network, image_shape))


def measure_latency(
    network: nn.Module, image_shape: tuple[int, int, int], *, batch_size: int = 1, seconds: float = 1.0
) -> Latency:
    """Time forward passes of a batch of random images (C,H,W) in evaluation mode, on the network's own device.

    About `seconds` and at least `FEWEST_RUNS` runs after three to warm up. On a machine that others use at the same
    time the numbers are too large; compare networks in one process, in turns.

    Raises:
        InputError: sizes below 1, or a network on the meta device, which computes nothing.
    """
    images = images_for(network, batch_size, image_shape)
    if images.device.type == "meta":
        refuse(
            "network", expected="weights to compute with", got="one on the meta device", remedy="build it on a device"
        )
    taken: list[float] = []
    with evaluating(network), torch.inference_mode():
        for _ in range(3):
            network(images)
        wait(images.device)
        until = time.perf_counter() + seconds
        while len(taken) < FEWEST_RUNS or time.perf_counter() < until:
            started = time.perf_counter()
            network(images)
            wait(images.device)
            taken.append(time.perf_counter() - started)
    return Latency(
        median=median(taken),
        percentile_95=quantiles(taken, n=20, method="inclusive")[-1],
        runs=len(taken),
        batch_size=batch_size,
        device=str(images.device),
        threads=torch.get_num_threads(),
    )


def wait(device: torch.device) -> None:
    """Wait until a device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network in evaluation mode inside the block; every layer gets its own mode back."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def images_for(network: nn.Module, count: int, image_shape: tuple[int, int, int]) -> Tensor:
    """Return a batch of random images on a network's device and of its type; torch's generator stays as it was.

    Raises:
        InputError: sizes below 1.
    """
    if count < 1:
        refuse("batch_size", expected="at least 1", got=count)
    if len(image_shape) != 3 or min(image_shape) < 1:
        refuse("image_shape", expected="channels, height and width of at least 1", got=tuple(image_shape))
    tensors = [tensor for tensor in chain(network.parameters(), network.buffers()) if tensor.is_floating_point()]
    like = tensors[0] if tensors else torch.empty(())
    with rng.fixed_global_seed(0, "images for counting"):
        return torch.rand(count, *image_shape, device=like.device, dtype=like.dtype)

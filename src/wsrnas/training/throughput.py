"""What a training costs: network passes, counted; and how many of them this device does in a second, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from wsrnas.runtime import Runtime
from wsrnas.training.batches import steps_per_epoch
from wsrnas.training.config import TrainConfig
from wsrnas.training.ensemble import member_configs
from wsrnas.training.perturbation import WeightPerturbation
from wsrnas.training.single import JUDGED


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Images per second of a forward pass, and of a forward and a backward pass together."""

    forward: float
    forward_backward: float
    batch_size: int

    @property
    def passes(self) -> float:
        """Network passes per image and second in training and attacks, where each forward has its backward pass."""
        return 2 * self.forward_backward

    def hours(self, passes: int | float) -> float:
        """Return how long so many network passes over one image each take."""
        return passes / self.passes / 3600


def measure_throughput(
    network: nn.Module,
    image_shape: tuple[int, int, int],
    *,
    batch_size: int,
    runtime: Runtime,
    seconds: float = 2.0,
) -> Throughput:
    """Time passes over random images (C,H,W) with gradients to the images only, as in an attack.

    About `seconds` for each of the two measurements after one pass to warm up; leaves no gradients. On a machine that
    others use at the same time the numbers are too small.
    """
    images = runtime.images(torch.rand(batch_size, *image_shape))
    labels = torch.zeros(batch_size, dtype=torch.int64, device=runtime.device)
    flags = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    training = network.training
    network.eval().requires_grad_(False)

    @torch.no_grad()
    def forward() -> None:
        with runtime.autocast():
            network(images)

    def forward_backward() -> None:
        leaf = images.detach().requires_grad_(True)
        with runtime.autocast():
            loss = functional.cross_entropy(network(leaf).float(), labels, reduction="sum")
        torch.autograd.grad(loss, leaf)

    try:
        return Throughput(
            forward=batch_size * _per_second(forward, seconds, runtime.device),
            forward_backward=batch_size * _per_second(forward_backward, seconds, runtime.device),
            batch_size=batch_size,
        )
    finally:
        network.train(training)
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


def _per_second(work: Callable[[], None], seconds: float, device: torch.device) -> float:
    work()
    _wait(device)
    done, started = 0, time.perf_counter()
    while True:
        work()
        _wait(device)
        done += 1
        elapsed = time.perf_counter() - started
        if elapsed >= seconds:
            return done / elapsed


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def estimate_passes(config: TrainConfig, train_images: int, held_out_images: int) -> dict[str, int]:
    """Return the network passes per phase of a training: a forward and a backward pass of one image count one each.

    Where nothing is held out the network that is kept is judged on a few training images, once.
    """
    batch = min(config.batch_size, train_images)
    steps = steps_per_epoch(train_images, config.batch_size)
    training = measured = 0
    for member in member_configs(config):
        awp = sum(WeightPerturbation.passes for epoch in range(config.epochs) if member.awp.at(epoch) is not None)
        training += steps * batch * (config.epochs * member.build_loss().passes + awp)
        measured += _measurements(member, -(-config.epochs // config.selection.every), train_images, held_out_images)
    if config.strength_bands():
        measured += _measurements(config, 1, train_images, held_out_images)
    return {"training": training, "held-out measurement": measured}


def _measurements(config: TrainConfig, times: int, train_images: int, held_out_images: int) -> int:
    if not held_out_images:
        return min(train_images, JUDGED)
    selection = config.selection
    images = min(held_out_images, selection.images or held_out_images)
    each = 1 if config.selection_strength() is None else 2 + 2 * selection.steps
    return times * images * each

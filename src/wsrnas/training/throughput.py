"""What a training costs: network passes, counted; and how many of them this device does in a second, measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn
from torch.nn import functional

from wsrnas.networks.cost import wait
from wsrnas.runtime import Runtime
from wsrnas.training.batches import steps_per_epoch
from wsrnas.training.config import TrainConfig
from wsrnas.training.ensemble import member_configs
from wsrnas.training.perturbation import WeightPerturbation
from wsrnas.training.single import JUDGED


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Images per second of a forward pass, and of a forward and a backward pass together.

    `rounds` holds the latter of every round that was measured: how far they lie apart says how sure it is.
    """

    forward: float
    forward_backward: float
    batch_size: int
    rounds: tuple[float, ...] = ()

    @property
    def passes(self) -> float:
        """Network passes per image and second in training and attacks, where each forward has its backward pass."""
        return 2 * self.forward_backward

    @property
    def lowest(self) -> float:
        """Return the passes of the slowest round."""
        return 2 * min(self.rounds, default=self.forward_backward)

    @property
    def highest(self) -> float:
        """Return the passes of the fastest round."""
        return 2 * max(self.rounds, default=self.forward_backward)

    def hours(self, passes: int | float) -> float:
        """Return how long so many network passes over one image each take."""
        return passes / self.passes / 3600


ROUNDS = 5
STEADY = 1.2
"""A network is warm when a pass takes at most so many times the fastest so far, or after `MOST_WARM_UP` passes."""
MOST_WARM_UP = 6


def measure_throughput(
    networks: Sequence[nn.Module],
    image_shape: tuple[int, int, int],
    *,
    batch_size: int,
    runtime: Runtime,
    seconds: float = 4.0,
    rounds: int = ROUNDS,
) -> Throughput:
    """Time passes over random images (C,H,W) with gradients to the images only, as in an attack.

    The networks take turns in every round, after each has been warmed up until its passes no longer get faster; images
    and seconds are summed over the networks of a round, and the median round counts. About `seconds` in all; leaves no
    gradients. On a machine that others use at the same time the numbers are too small, and the rounds lie far apart.
    """
    images = runtime.images(torch.rand(batch_size, *image_shape))
    labels = torch.zeros(batch_size, dtype=torch.int64, device=runtime.device)

    @torch.no_grad()
    def forward(network: nn.Module) -> None:
        with runtime.autocast():
            network(images)

    def forward_backward(network: nn.Module) -> None:
        leaf = images.detach().requires_grad_(True)
        with runtime.autocast():
            loss = functional.cross_entropy(network(leaf).float(), labels, reduction="sum")
        torch.autograd.grad(loss, leaf)

    with _frozen(networks):
        window = seconds / (2 * rounds * len(networks))
        for network in networks:
            _warm_up(lambda network=network: forward_backward(network), runtime.device)  # type: ignore[misc]
        found: dict[Callable[[nn.Module], None], list[float]] = {forward: [], forward_backward: []}
        for _ in range(rounds):
            for work, speeds in found.items():
                timed = [
                    _timed(lambda work=work, network=network: work(network), window, runtime.device)  # type: ignore[misc]
                    for network in networks
                ]
                each = sum(spent / done for done, spent in timed) / len(networks)
                speeds.append(batch_size / each)
    return Throughput(
        forward=median(found[forward]),
        forward_backward=median(found[forward_backward]),
        batch_size=batch_size,
        rounds=tuple(found[forward_backward]),
    )


@contextmanager
def _frozen(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Put the networks in eval mode without gradients to their weights, and back as they were."""
    flags = [(one, one.requires_grad) for network in networks for one in network.parameters()]
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for network in networks:
        network.eval().requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


def _warm_up(work: Callable[[], None], device: torch.device) -> None:
    fastest = math.inf
    for _ in range(MOST_WARM_UP):
        _, spent = _timed(work, 0.0, device)
        if spent > fastest / STEADY:
            return
        fastest = min(fastest, spent)


def _timed(work: Callable[[], None], seconds: float, device: torch.device) -> tuple[int, float]:
    """Work for so many seconds, once at least; return how often, and the seconds it took."""
    done, started = 0, time.perf_counter()
    while True:
        work()
        wait(device)
        done += 1
        elapsed = time.perf_counter() - started
        if elapsed >= seconds:
            return done, max(elapsed, 1e-9)


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

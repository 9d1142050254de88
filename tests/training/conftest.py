"""Small networks and batches for the training tests, as functions."""

from collections.abc import Callable

import pytest
import torch
from torch import nn


def _tiny_network(classes: int = 4, *, seed: int = 0, channels: int = 3) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, classes),
    )


def _batch(count: int = 6, classes: int = 4, *, seed: int = 0, channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, channels, 8, 8, generator=generator)
    return images, torch.randint(classes, (count,), generator=generator)


@pytest.fixture
def tiny_network() -> Callable[..., nn.Sequential]:
    return _tiny_network


@pytest.fixture
def batch() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    return _batch


@pytest.fixture
def generator() -> Callable[..., torch.Generator]:
    return lambda seed=0: torch.Generator().manual_seed(seed)

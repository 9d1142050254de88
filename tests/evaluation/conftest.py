"""Tiny digit classifiers, trained once a session: undefended, PGD-trained and TRADES-trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.rng import fixed_global_seed, stream


@dataclass(frozen=True)
class Digits:
    train_images: Tensor
    train_labels: Tensor
    images: Tensor
    labels: Tensor


def digit_images() -> Digits:
    data = load_digits()
    images = torch.tensor(data.images / 16.0, dtype=torch.float32)[:, None]
    labels = torch.tensor(data.target)
    order = torch.randperm(len(labels), generator=stream(0, "digits"))
    images, labels = images[order], labels[order]
    return Digits(images[:1400], labels[:1400], images[1400:], labels[1400:])


def network(seed: int = 0) -> nn.Module:
    with fixed_global_seed(seed, "network"):
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256, 10),
        )


Loss = Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]
ATTACK = PGD(eps=0.15, steps=4)


def standard(model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    return functional.cross_entropy(model(images), labels)


def adversarial(model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    return functional.cross_entropy(model(ATTACK(model, images, labels, generator)), labels)


def trades(model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    attacked = ATTACK(model, images, labels, generator)
    logits, moved = model(images), model(attacked)
    pull = functional.kl_div(moved.log_softmax(1), logits.softmax(1), reduction="batchmean")
    return functional.cross_entropy(logits, labels) + 4.0 * pull


def trained(digits: Digits, loss: Loss, *, epochs: int) -> nn.Module:
    model = network()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    steps = epochs * 14
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.1, total_steps=steps)
    generator = stream(0, "training")
    for _ in range(epochs):
        order = torch.randperm(1400, generator=generator)
        for rows in order.split(100):
            optimiser.zero_grad()
            loss(model, digits.train_images[rows], digits.train_labels[rows], generator).backward()
            optimiser.step()
            schedule.step()
    return model.eval()


@pytest.fixture(scope="session")
def digit_network() -> Callable[..., nn.Module]:
    return network


@pytest.fixture(scope="session")
def digits() -> Digits:
    return digit_images()


@pytest.fixture(scope="session")
def undefended(digits: Digits) -> nn.Module:
    return trained(digits, standard, epochs=10)


@pytest.fixture(scope="session")
def pgd_trained(digits: Digits) -> nn.Module:
    return trained(digits, adversarial, epochs=8)


@pytest.fixture(scope="session")
def trades_trained(digits: Digits) -> nn.Module:
    return trained(digits, trades, epochs=8)

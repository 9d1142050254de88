"""Networks to attack: an untrained one with BatchNorm and Dropout, and one trained on the digits."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from tests.attacks.peers import SCIPY, load
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD


@dataclass(frozen=True)
class Trained:
    model: nn.Module
    images: Tensor
    labels: Tensor

    def accuracy(self, images: Tensor) -> float:
        with torch.no_grad():
            return float((self.model(images).argmax(1) == self.labels).float().mean())


def small_network(channels: int, classes: int, size: int, width: int = 16) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * width * (size // 2) ** 2, classes),
    )


@pytest.fixture
def build() -> Callable[[int], nn.Module]:
    def untrained(classes: int) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(classes)
            network = nn.Sequential(nn.Dropout(0.0), *small_network(3, classes, 6, width=4))
        return network.eval()

    return untrained


@pytest.fixture
def batch() -> Callable[..., tuple[Tensor, Tensor]]:
    def draw(classes: int, count: int = 5) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(3)
        images = torch.rand(count, 3, 6, 6, generator=generator)
        images[0, :, :2], images[0, :, 2:4] = 0.0, 1.0
        return images, torch.randint(0, classes, (count,), generator=generator)

    return draw


@pytest.fixture(scope="session")
def digits() -> Trained:
    """A network trained on the first 1297 digits, and the next 300 to attack it on."""
    bunch = load_digits()
    images = torch.tensor(bunch.images / 16.0, dtype=torch.float32)[:, None]
    labels = torch.tensor(bunch.target)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = small_network(1, 10, 8)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(8):
            for rows in torch.randperm(1297).split(64):
                optimizer.zero_grad()
                functional.cross_entropy(model(images[rows]), labels[rows]).backward()
                optimizer.step()
    for parameter in model.parameters():
        parameter.grad = None
    trained = Trained(model.eval(), images[1297:1597], labels[1297:1597])
    assert trained.accuracy(trained.images) > 0.95
    return trained


def read_cifar10(root: Path, name: str, count: int) -> tuple[Tensor, Tensor]:
    rows = pyarrow.parquet.ParquetFile(root / f"{name}.parquet").iter_batches(batch_size=count)
    table = next(rows).to_pydict()
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in table["img"]])
    return torch.tensor(pixels).permute(0, 3, 1, 2).contiguous().float() / 255.0, torch.tensor(table["label"])


@pytest.fixture(scope="session")
def cifar10(cifar10_root: Path) -> Trained:
    """A small network trained with PGD-3 at 4/255 on 6000 CIFAR-10 images, and 500 test images to attack it on."""
    images, labels = read_cifar10(cifar10_root, "train", 6000)
    attack, generator = PGD(eps=4 / 255, steps=3), torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.AvgPool2d(2), *small_network(3, 10, 16, width=24))
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        for _ in range(4):
            for rows in torch.randperm(len(images)).split(64):
                adversarial = attack.perturb(model.train(), images[rows], labels[rows], generator)
                optimizer.zero_grad()
                functional.cross_entropy(model(adversarial), labels[rows]).backward()
                optimizer.step()
    for parameter in model.parameters():
        parameter.grad = None
    trained = Trained(model.eval(), *read_cifar10(cifar10_root, "test", 500))
    assert trained.accuracy(trained.images) > 0.35
    return trained


@pytest.fixture(scope="session")
def foolbox() -> ModuleType:
    return load("foolbox", harmless=SCIPY)


@pytest.fixture(scope="session")
def torchattacks() -> ModuleType:
    return load("torchattacks", harmless=SCIPY)


@pytest.fixture(scope="session")
def art() -> ModuleType:
    load("art.estimators.classification", harmless=())
    return load("art.attacks.evasion", harmless=())


@pytest.fixture(scope="session")
def library() -> tuple[ModuleType, ModuleType]:
    load("pyautoattack", harmless=())
    return load("pyautoattack.autopgd_base", harmless=()), load("pyautoattack.square", harmless=())

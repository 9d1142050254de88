"""Honest classifiers of many kinds, trained in a second or two on the digits: a check must let every one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from sklearn.cluster import KMeans
from tests.evaluation.around import around
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.rng import fixed_global_seed, stream


@dataclass(frozen=True)
class Data:
    """Images to train on and images to check with."""

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    def changed(self, change: Callable[[Tensor], Tensor]) -> Data:
        return Data(change(self.images), self.labels, change(self.test_images), self.test_labels)

    def only(self, classes: int) -> Data:
        train, test = self.labels < classes, self.test_labels < classes
        return Data(self.images[train], self.labels[train], self.test_images[test], self.test_labels[test])


def fitted(
    model: nn.Module,
    data: Data,
    *,
    seed: int = 0,
    epochs: int = 15,
    rate: float = 3e-3,
    eps: float = 0.0,
    smoothing: float = 0.0,
    decay: float = 1e-4,
) -> nn.Module:
    """Train with Adam on a one-cycle schedule; with `eps`, on PGD's images."""
    model.train()
    batches = -(-len(data.images) // 100)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rate, total_steps=epochs * batches)
    generator = stream(seed, "fitting")
    with fixed_global_seed(seed, "fitting"):
        for _ in range(epochs):
            for rows in torch.randperm(len(data.images), generator=generator).split(100):
                images, labels = data.images[rows], data.labels[rows]
                if eps:
                    images = PGD(eps=eps, steps=4)(model, images, labels, generator)
                optimiser.zero_grad()
                functional.cross_entropy(model(images), labels, label_smoothing=smoothing).backward()
                optimiser.step()
                schedule.step()
    return model.eval()


def made(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    with fixed_global_seed(seed, "building"):
        return build()


def convolutional(
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    activation: Callable[[], nn.Module] = nn.ReLU,
    *,
    classes: int = 10,
    channels: int = 1,
    dropout: float = 0.0,
) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1), norm(16), activation(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), norm(32), activation(),
        nn.Dropout(dropout), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, classes),
    )  # fmt: skip


def perceptron(inputs: int = 64, classes: int = 10, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 64), activation(), nn.Linear(64, 64), activation(), nn.Linear(64, classes)
    )


class Transformer(nn.Module):
    """Patches of 2×2, softmax attention, layer norm before each block, mean over tokens."""

    def __init__(self, width: int = 32, heads: int = 4, blocks: int = 2, classes: int = 10) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, stride=2)
        self.places = nn.Parameter(0.02 * torch.randn(1, 16, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(blocks)
        )
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.places
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(self.last(tokens).mean(1))


class Mixer(nn.Module):
    """Mixes tokens and channels by perceptrons."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, stride=2)
        self.tokens = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))
        self.channels = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channels(self.norms[1](x))
        return self.head(x.mean(1))


class Rows(nn.Module):
    """A recurrent network that reads an image row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = nn.GRU(8, 48, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, images: Tensor) -> Tensor:
        states, _ = self.reader(images[:, 0])
        return self.head(states[:, -1])


class Squeezed(nn.Module):
    """A residual network with squeeze-and-excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.body = nn.Sequential(
            nn.Conv2d(24, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24),
        )  # fmt: skip
        self.gate = nn.Sequential(nn.Linear(24, 8), nn.ReLU(), nn.Linear(8, 24), nn.Sigmoid())
        self.head = nn.Linear(24, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images)
        y = self.body(x)
        y = functional.relu(x + y * self.gate(y.mean((2, 3)))[:, :, None, None])
        return self.head(functional.max_pool2d(y, 2).mean((2, 3)))


class Cosine(nn.Module):
    """Scaled cosine between features and class vectors."""

    def __init__(self, scale: float = 16.0) -> None:
        super().__init__()
        self.features = perceptron(classes=32)
        self.vectors = nn.Parameter(torch.randn(10, 32))
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        features = functional.normalize(self.features(images), dim=1)
        return self.scale * features @ functional.normalize(self.vectors, dim=1).T


class Sines(nn.Module):
    """A perceptron with gentle sines for activations."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(torch.sin(self.second(torch.sin(self.first(images.flatten(1))))))


class SoftNeighbours(nn.Module):
    """log Σ_{i of class k} exp(−‖x − x_i‖²/T): the k nearest neighbours' smooth relative."""

    kept: Tensor
    classes: Tensor

    def __init__(self, images: Tensor, labels: Tensor, temperature: float) -> None:
        super().__init__()
        self.register_buffer("kept", images.flatten(1))
        self.register_buffer("classes", labels)
        self.temperature = temperature

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        square = flat.square().sum(1)[:, None] - 2 * flat @ self.kept.T + self.kept.square().sum(1)[None]
        votes = -square / self.temperature
        return torch.stack([votes[:, self.classes == k].logsumexp(1) for k in range(int(self.classes.max()) + 1)], 1)


class Gaussians(nn.Module):
    """One Gaussian a class with a shared, shrunken covariance: linear discriminant analysis, unsimplified."""

    means: Tensor
    precision: Tensor

    def __init__(self, data: Data) -> None:
        super().__init__()
        flat = data.images.flatten(1)
        self.register_buffer("means", torch.stack([flat[data.labels == k].mean(0) for k in range(data.classes)]))
        centred = flat - self.means[data.labels]
        self.register_buffer("precision", torch.linalg.inv(centred.T @ centred / len(flat) + 0.02 * torch.eye(64)))

    def forward(self, images: Tensor) -> Tensor:
        away = images.flatten(1)[:, None] - self.means[None]
        return -0.5 * torch.einsum("bki,ij,bkj->bk", away, self.precision, away)


class Experts(nn.Module):
    """Three perceptrons weighed by a softmax gate."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList(perceptron() for _ in range(3))
        self.gate = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    def forward(self, images: Tensor) -> Tensor:
        weights = self.gate(images).softmax(1)
        return torch.stack([expert(images) for expert in self.experts], 2).mul(weights[:, None]).sum(2)


class Ensemble(nn.Module):
    """The mean of several networks' logits, or the logarithm of the mean of their probabilities."""

    def __init__(self, members: list[nn.Module], *, probabilities: bool = False) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.probabilities = probabilities

    def forward(self, images: Tensor) -> Tensor:
        outputs = torch.stack([member(images) for member in self.members])
        return outputs.softmax(2).mean(0).log() if self.probabilities else outputs.mean(0)


def clusters(data: Data, count: int) -> Data:
    """Give the images classes of their own, found by k-means."""
    means = KMeans(count, n_init=1, random_state=0).fit(data.images.flatten(1).double().numpy())
    labels, test = (
        torch.tensor(means.predict(i.flatten(1).double().numpy())).long() for i in (data.images, data.test_images)
    )
    return Data(data.images, labels, data.test_images, test)


def fake_quantised(model: nn.Module) -> nn.Module:
    """Weights on a grid of 4 bits, activations as they are: continuous in the image."""
    with torch.no_grad():
        for weight in model.parameters():
            step = weight.abs().max().clamp_min(1e-8) / 7
            weight.copy_((weight / step).round() * step)
    return model


Made = tuple[nn.Module, Data]


def _net(build: Callable[[], nn.Module], **settings: Any) -> Callable[[Data, int], Made]:
    return lambda data, seed: (fitted(made(build, seed), data, seed=seed, **settings), data)


def _on(change: Callable[[Data], Data], build: Callable[[], nn.Module], **settings: Any) -> Callable[[Data, int], Made]:
    def make(data: Data, seed: int) -> Made:
        own = change(data)
        return fitted(made(build, seed), own, seed=seed, **settings), own

    return make


def _then(first: Callable[[Data, int], Made], change: Callable[[nn.Module], nn.Module]) -> Callable[[Data, int], Made]:
    def make(data: Data, seed: int) -> Made:
        model, own = first(data, seed)
        return change(model).eval(), own

    return make


def _ensemble(probabilities: bool, **settings: Any) -> Callable[[Data, int], Made]:
    def make(data: Data, seed: int) -> Made:
        members = [fitted(made(convolutional, 10 * seed + k), data, seed=10 * seed + k, **settings) for k in range(3)]
        return Ensemble(members, probabilities=probabilities).eval(), data

    return make


def _few(data: Data, seed: int) -> Made:
    part = Data(data.images[:150], data.labels[:150], data.test_images, data.test_labels)
    return fitted(made(perceptron, seed), part, seed=seed, epochs=400, rate=1e-2, decay=0.0), data


def _all(data: Data, seed: int) -> Made:
    everything = Data(
        torch.cat([data.images, data.test_images]), torch.cat([data.labels, data.test_labels]),
        data.test_images, data.test_labels,
    )  # fmt: skip
    return fitted(made(convolutional, seed), everything, seed=seed, epochs=40), data


def _calibrated(data: Data, seed: int) -> Made:
    model = fitted(made(convolutional, seed), data, seed=seed)
    with torch.no_grad():
        logits = model(data.images[:400])
        losses = {t: float(functional.cross_entropy(logits / t, data.labels[:400])) for t in (0.5, 1.0, 1.5, 2.0, 3.0)}
    best = min(losses, key=losses.__getitem__)
    return around(model, lambda f, x: f(x) / best), data


def _unbalanced(data: Data, seed: int) -> Made:
    def thinned(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        kept = (labels == 0) | (torch.arange(len(labels)) % 5 == 0)
        return images[kept], labels[kept]

    own = Data(*thinned(data.images, data.labels), *thinned(data.test_images, data.test_labels))
    return fitted(made(convolutional, seed), own, seed=seed, epochs=30), own


def _two(data: Data) -> Data:
    return data.only(2)


def _parity(data: Data) -> Data:
    return Data(data.images, data.labels % 2, data.test_images, data.test_labels % 2)


def _pooled(data: Data) -> Data:
    return data.changed(lambda x: functional.avg_pool2d(x, 2))


def _as_channels(data: Data) -> Data:
    return data.changed(lambda x: x.reshape(len(x), 64, 1, 1))


def _coloured(data: Data) -> Data:
    return data.changed(lambda x: functional.pad(torch.cat([x, 1 - x, 0.5 * x], 1), (2, 2, 0, 0)))


def _enlarged(data: Data) -> Data:
    return data.changed(lambda x: functional.interpolate(x, size=(16, 16), mode="bilinear", align_corners=False))


CONV = _net(convolutional)
ROBUST = _net(convolutional, eps=0.12)

KINDS: Mapping[str, Callable[[Data, int], Made]] = {
    "convolutions": CONV,
    "convolutions, adversarial": ROBUST,
    "convolutions, strongly adversarial": _net(convolutional, eps=0.25, epochs=25),
    "transformer": _net(Transformer),
    "transformer, adversarial": _net(Transformer, eps=0.1),
    "mixer": _net(Mixer),
    "group norm": _net(lambda: convolutional(lambda c: nn.GroupNorm(4, c))),
    "group norm, adversarial": _net(lambda: convolutional(lambda c: nn.GroupNorm(4, c)), eps=0.1),
    "layer norm": _net(lambda: convolutional(lambda c: nn.GroupNorm(1, c))),
    "instance norm": _net(lambda: convolutional(lambda c: nn.InstanceNorm2d(c, affine=True))),
    "no norm": _net(lambda: convolutional(lambda c: nn.Identity())),
    "no norm, adversarial": _net(lambda: convolutional(lambda c: nn.Identity()), eps=0.1),
    "squeeze and excitation": _net(Squeezed),
    "squeeze and excitation, adversarial": _net(Squeezed, eps=0.1),
    "recurrent": _net(Rows),
    "linear": _net(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), rate=0.02),
    "linear, adversarial": _net(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), rate=0.02, eps=0.1),
    "linear, two classes": _on(_two, lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), rate=0.02, epochs=40),
    "perceptron": _net(perceptron),
    "perceptron, adversarial": _net(perceptron, eps=0.1),
    "perceptron, tanh": _net(lambda: perceptron(activation=nn.Tanh)),
    "perceptron, sigmoid": _net(lambda: perceptron(activation=nn.Sigmoid), rate=0.02),
    "perceptron, ELU": _net(lambda: perceptron(activation=nn.ELU)),
    "perceptron, sines": _net(Sines),
    "odd or even": _on(_parity, lambda: convolutional(classes=2)),
    "odd or even, adversarial": _on(_parity, lambda: convolutional(classes=2), eps=0.1),
    "three classes": _on(lambda d: d.only(3), lambda: perceptron(classes=3), epochs=40),
    "a hundred classes": _on(lambda d: clusters(d, 100), lambda: perceptron(classes=100), epochs=60),
    "calibrated": _calibrated,
    "cool": _then(CONV, lambda m: around(m, lambda f, x: f(x) / 5)),
    "log-probabilities": _then(ROBUST, lambda m: around(m, lambda f, x: f(x).log_softmax(1))),
    "capped logits": _then(CONV, lambda m: around(m, lambda f, x: 30 * torch.tanh(f(x) / 30))),
    "float64 inside": _then(CONV, lambda m: around(m.double(), lambda f, x: f(x.double()).float())),
    "float64 inside and out": _then(ROBUST, lambda m: around(m.double(), lambda f, x: f(x.double()))),
    "float64 weights": _then(CONV, lambda m: m.double()),
    "overfitted": _few,
    "fitted to everything": _all,
    "4×4 pixels": _on(_pooled, lambda: perceptron(16)),
    "64 channels of one pixel": _on(_as_channels, perceptron),
    "three channels, not square": _on(_coloured, lambda: convolutional(channels=3)),
    "16×16 pixels": _on(_enlarged, convolutional),
    "label smoothing": _net(convolutional, smoothing=0.1),
    "dropout in evaluation mode": _net(lambda: convolutional(dropout=0.3)),
    "weights of 4 bits": _then(CONV, fake_quantised),
    "ensemble": _ensemble(False),
    "ensemble of probabilities": _ensemble(True, eps=0.1),
    "cosine": _net(Cosine, epochs=30),
    "soft experts": _net(Experts),
    "soft neighbours": lambda data, seed: (SoftNeighbours(data.images, data.labels, 0.5).eval(), data),
    "sharp soft neighbours": lambda data, seed: (SoftNeighbours(data.images, data.labels, 0.1).eval(), data),
    "Gaussians": lambda data, seed: (Gaussians(data).eval(), data),
    "blurred": _then(
        CONV, lambda m: around(m, lambda f, x: f(functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, 1)))
    ),
    "brief training": _net(convolutional, epochs=2, rate=1e-3),
    "unbalanced": _unbalanced,
    "scripted": _then(CONV, lambda m: torch.jit.script(m)),
    "traced": _then(ROBUST, lambda m: torch.jit.trace(m, torch.zeros(2, 1, 8, 8))),
    "frozen": _then(CONV, lambda m: torch.jit.freeze(torch.jit.script(m))),
}

"""Further deceptive classifiers are caught by name without an attack, and unusual honest ones pass."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.evaluation.around import Around
from tests.evaluation.deceptive import spoiling
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.evaluation import check


class NeverInEval(nn.Module):
    """Ignores eval(): its BatchNorm stays in train mode."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)

    def train(self, mode: bool = True) -> NeverInEval:
        self.training = mode
        for layer in self.model.modules():
            layer.training = True
        return self

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images)


class Counting(nn.Module):
    """Changes with every call, in an attribute that is no buffer."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.calls = model, 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return self.model(images) * (1 + 0.1 * (self.calls % 7))


class Remembering(nn.Module):
    """Answers from the first batch of that size."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.known = model, dict[int, Tensor]()

    def forward(self, images: Tensor) -> Tensor:
        if len(images) not in self.known:
            self.known[len(images)] = self.model(images).detach()
        return self.known[len(images)]


def straight_through(after: Tensor, before: Tensor) -> Tensor:
    return before + (after - before).detach()


def cosines() -> Tensor:
    k = torch.arange(8.0)
    table = torch.cos(torch.pi * (2 * k[None] + 1) * k[:, None] / 16) / 2
    table[0] /= 2**0.5
    return table


COSINES = cosines()
MASK = (torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(5)) < 0.1).float()


def compressed(images: Tensor) -> Tensor:
    """Round the cosine coefficients, as JPEG does."""
    return (COSINES.T @ (torch.round(COSINES @ images @ COSINES.T / 0.15) * 0.15) @ COSINES).clamp(0, 1)


def resized(model: nn.Module, images: Tensor) -> Tensor:
    side = random.randint(6, 10)
    return model(functional.interpolate(functional.interpolate(images, size=(side, side)), size=(8, 8)))


def noisy(model: nn.Module, images: Tensor) -> Tensor:
    noise = np.random.default_rng().normal(0, 0.05, images.shape)
    return model(images + torch.from_numpy(noise.astype("float32")))


def one_hot(logits: Tensor) -> Tensor:
    return functional.one_hot(logits.argmax(1), 10).float()


def around(forward: Callable[[nn.Module, Tensor], Any]) -> Callable[[nn.Module], nn.Module]:
    return lambda model: Around(copy.deepcopy(model), forward)


def spoiled(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], nn.Module]:
    return around(lambda f, x: f(spoiling(change)(x)))


CAUGHT: dict[str, tuple[Callable[[nn.Module], nn.Module], str]] = {
    "softmax, sharp": (around(lambda f, x: (1000 * f(x)).softmax(1)), "softmax-output"),
    "softmax, flat": (around(lambda f, x: (f(x) / 1000).softmax(1)), "softmax-output"),
    "sigmoid": (around(lambda f, x: torch.sigmoid(f(x))), "softmax-output"),
    "logits rounded": (around(lambda f, x: f(x).round()), "non-differentiable"),
    "logits rounded behind a false gradient": (
        around(lambda f, x: straight_through(f(x).mul(10).round() / 10, f(x))),
        "gradient-shattering",
    ),
    "logits clamped": (around(lambda f, x: f(x).clamp(-2, 2)), "saturated-logits"),
    "tanh": (around(lambda f, x: torch.tanh(5 * f(x))), "saturated-logits"),
    "one-hot": (around(lambda f, x: one_hot(f(x))), "non-differentiable"),
    "one-hot behind a false gradient": (
        around(lambda f, x: straight_through(one_hot(f(x)), f(x).softmax(1))),
        "gradient-shattering",
    ),
    "4-bit input": (around(lambda f, x: f((15 * x).round() / 15)), "gradient-shattering"),
    "8-bit input": (around(lambda f, x: f((255 * x).round() / 255)), "gradient-shattering"),
    "compression": (around(lambda f, x: f(compressed(x))), "gradient-shattering"),
    "compression behind a false gradient": (
        around(lambda f, x: f(straight_through(compressed(x), x))),
        "gradient-shattering",
    ),
    "random resizing": (around(resized), "random-output"),
    "noise from numpy": (around(noisy), "noise-at-inference"),
    "pseudo-random input": (around(lambda f, x: f(x + 0.1 * torch.sin(2e4 * x))), "gradient-shattering"),
    "a module that ignores eval": (NeverInEval, "batchnorm-train-mode"),
    "labels off by one": (around(lambda f, x: f(x).roll(1, 1)), "no-better-than-chance"),
    "counting in an attribute": (Counting, "random-output"),
    "remembered outputs": (Remembering, "non-differentiable"),
    "no gradient": (around(lambda f, x: torch.no_grad()(f)(x)), "non-differentiable"),
    "detached, with a tiny path beside": (
        around(lambda f, x: f(x.detach()) + 1e-6 * x.sum((1, 2, 3))[:, None] * torch.arange(10.0)),
        "gradient-shattering",
    ),
    "another model for gradients": (
        around(lambda f, x: f(x.flip(3)) if x.requires_grad else f(x)),
        "gradient-aware",
    ),
    "another model for frozen weights": (
        around(lambda f, x: f(x) if next(f.parameters()).requires_grad else f(x.flip(3))),
        "gradient-aware",
    ),
    "gradient turned round": (spoiled(lambda gradient: -gradient), "gradient-shattering"),
    "gradient of noise": (spoiled(torch.randn_like), "gradient-shattering"),
    "gradient of a tenth of the pixels": (spoiled(lambda gradient: gradient * MASK), "gradient-shattering"),
    "gradient scaled away": (spoiled(lambda gradient: 1e-8 * gradient), "gradient-shattering"),
    "gradient for every other image": (
        spoiled(lambda gradient: gradient * (torch.arange(len(gradient)) % 2)[:, None, None, None]),
        "zero-gradient",
    ),
    "whitened by the batch": (around(lambda f, x: f(x - x.mean(0) + 0.3)), "batch-dependent"),
    "a class of minus infinity": (
        around(lambda f, x: f(x).index_fill(1, torch.tensor([9]), -torch.inf)),
        "nan-output",
    ),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_caught_by_name(name: str, undefended: nn.Module, digits: Any) -> None:
    make, flag = CAUGHT[name]
    verdict = check(make(undefended).eval(), digits.images[:96], digits.labels[:96], attacked=0)
    assert flag in verdict.flags, str(verdict)


HONEST: dict[str, Callable[[nn.Module], nn.Module]] = {
    "log-probabilities": around(lambda f, x: f(x).log_softmax(1)),
    "calibrated": around(lambda f, x: f(x) / 2.5),
    "larger logits": around(lambda f, x: 3 * f(x)),
    "blurred": around(lambda f, x: f(0.5 * x + 0.5 * functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, 1))),
    "mean of two views": around(lambda f, x: (f(x) + f(x.roll(1, 3))) / 2),
    "smooth resizing": around(
        lambda f, x: f(functional.interpolate(x, scale_factor=2, mode="bilinear")[..., ::2, ::2])
    ),
    "half-precision logits": around(lambda f, x: f(x).half().float()),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_unusual_honest_model_passes(name: str, undefended: nn.Module, digits: Any) -> None:
    verdict = check(HONEST[name](undefended).eval(), digits.images[:96], digits.labels[:96], attacked=0)
    assert verdict.ok, str(verdict)


def fitted(model: nn.Module, images: Tensor, labels: Tensor) -> nn.Module:
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimiser.zero_grad()
        functional.cross_entropy(model(images), labels).backward()
        optimiser.step()
    return model.eval()


@pytest.mark.parametrize(
    ("classes", "channels", "wide"),
    [(2, 1, 0), pytest.param(3, 4, 0, marks=pytest.mark.slow), pytest.param(10, 3, 3, marks=pytest.mark.slow)],
)
def test_other_classes_channels_and_shapes_pass(classes: int, channels: int, wide: int, digits: Any) -> None:
    def shaped(images: Tensor) -> Tensor:
        return functional.pad(images.repeat(1, channels, 1, 1), (wide, wide, 0, 0))

    train, test = digits.train_labels < classes, digits.labels < classes
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inputs = channels * 8 * (8 + 2 * wide)
        model = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 48), nn.GELU(), nn.Linear(48, classes))
        fitted(model, shaped(digits.train_images[train]), digits.train_labels[train])
    verdict = check(model, shaped(digits.images[test])[:64], digits.labels[test][:64], attacked=6)
    assert verdict.ok, str(verdict)


def test_the_black_box_check_says_what_it_tried(undefended: nn.Module, pgd_trained: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:32], digits.labels[:32]
    alone = {one.name: one.evidence for one in check(undefended, images, labels, attacked=6).findings}
    assert "noise made on a student of the model's answers" in alone["black-box-beats-white-box"]
    assert "noise from other models was not tried" in alone["black-box-beats-white-box"]
    with pytest.raises(InputError, match=r"others\[0\]: expected a model of the same 10 classes, got 3"):
        check(undefended, images, labels, others=[nn.Sequential(nn.Flatten(), nn.Linear(64, 3))])


def test_a_function_over_numpy_is_named_non_differentiable(digits: Any) -> None:
    weights = np.random.default_rng(0).normal(size=(64, 10)).astype("float32")

    def scores(images: Tensor) -> Tensor:
        return torch.from_numpy(images.numpy().reshape(len(images), -1) @ weights)

    verdict = check(scores, digits.images[:32], digits.labels[:32], attacked=0)
    states = {one.name: one.state for one in verdict.findings}
    assert states["non-differentiable"] == "flag"
    assert states["gradient-aware"] == "not run"

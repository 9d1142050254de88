"""Many kinds of deceptive classifiers raise a flag, many kinds of honest ones raise none."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.evaluation import deceptive, honest
from torch import nn

from wsrnas.evaluation import check

QUICK_HONEST = (
    "transformer", "group norm", "no norm", "linear", "linear, two classes", "perceptron, tanh", "perceptron, sigmoid",
    "three classes", "a hundred classes", "4×4 pixels", "64 channels of one pixel", "cosine", "soft neighbours",
    "Gaussians", "overfitted", "brief training",
)  # fmt: skip
"""Trained in about a second; attacked on few images here, at full size among the slow tests."""
NEED_ATTACKS = {"memorised, 0.3", "scale 8", "cube of logits", "probabilities, shifted", "drawn member"}


@pytest.fixture(scope="module")
def data(digits: Any) -> honest.Data:
    return honest.Data(digits.train_images, digits.train_labels, digits.images, digits.labels)


@pytest.fixture(scope="module")
def bases(undefended: nn.Module, pgd_trained: nn.Module, data: honest.Data) -> deceptive.Bases:
    other = honest.fitted(honest.made(honest.convolutional, 77), data, seed=77)
    return deceptive.Bases(undefended, pgd_trained, other, data.test_images[:256], data.test_labels[:256])


@pytest.mark.parametrize("name", QUICK_HONEST)
def test_an_honest_kind_passes(name: str, data: honest.Data) -> None:
    model, own = honest.KINDS[name](data, 0)
    verdict = check(model, own.test_images[:64], own.test_labels[:64], attacked=16)
    assert verdict.ok, str(verdict)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", honest.KINDS)
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_an_honest_kind_passes_at_full_size(name: str, seed: int, data: honest.Data) -> None:
    model, own = honest.KINDS[name](data, seed)
    verdict = check(model, own.test_images[:256], own.test_labels[:256], seed=seed)
    assert verdict.ok, str(verdict)

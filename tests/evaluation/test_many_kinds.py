"""Many kinds of deceptive classifiers raise a flag, many kinds of honest ones raise none."""

from __future__ import annotations

from typing import Any

import pytest
from tests.evaluation import deceptive, honest
from torch import nn

from wsrnas.evaluation import check

QUICK_HONEST = (
    "group norm", "no norm", "linear, two classes", "perceptron, tanh", "perceptron, sigmoid", "a hundred classes",
    "4×4 pixels", "64 channels of one pixel", "soft neighbours", "Gaussians", "brief training",
)  # fmt: skip
"""Trained in about a second."""
QUICK_DECEPTIVE = (
    "robust, sine 0.01·sin(1000x)", "robust, sine 0.03·sin(150x)", "plain, sine 0.05·sin(100x)",
    "robust, triangle 0.02 at 500", "robust, folded finely", "robust, sine along directions 0.5, 200",
    "robust, sine on logits, fast", "hard decision, 0.001 of another", "hard decision, 0.5 of another",
    "steep decision, detached", "steeper decision with its gradient", "another network's gradient", "exact cache",
    "another after 3 calls", "another after 20 calls", "another after 100 calls", "timed", "alone", "above 100", "25",
    "repeated images", "first of the batch", "square root at 0", "where", "NaN by hand", "NaN for every fourth image",
    "winners take all", "memorised, 0.3", "plateaus, robust", "thermometer", "other under no_grad", "capped hard",
    "probabilities, scaled", "scale 30", "rounds in place",
)  # fmt: skip
"""Seen without an attack."""
TELLING = {
    "masks": {"gradient-shattering", "smoothing-helps", "black-box-beats-white-box"},
    "substituted": {"gradient-shattering", "decision-jumps", "faint-gradient"},
    "stateful": {"changes-with-use", "batch-dependent", "random-output", "gradient-aware"},
    "broken gradients": {"nan-gradient"},
}
"""Of a family, the flags of which at least one must be raised."""
FAMILIES = {
    "masks": deceptive.MASKS,
    "substituted": deceptive.SUBSTITUTED,
    "stateful": deceptive.STATEFUL,
    "broken gradients": deceptive.BROKEN_GRADIENTS,
}


@pytest.fixture(scope="module")
def data(digits: Any) -> honest.Data:
    return honest.Data(digits.train_images, digits.train_labels, digits.images, digits.labels)


@pytest.fixture(scope="module")
def bases(undefended: nn.Module, pgd_trained: nn.Module, data: honest.Data) -> deceptive.Bases:
    other = honest.fitted(honest.made(honest.convolutional, 77), data, seed=77, epochs=8)
    return deceptive.Bases(undefended, pgd_trained, other, data.test_images[:256], data.test_labels[:256])


def telling(name: str, flags: list[str]) -> set[str]:
    """Return the flags raised that say what kind of deception it is."""
    families = [family for family, kinds in FAMILIES.items() if name in kinds]
    return set(flags) & TELLING[families[0]] if families else set(flags)


@pytest.mark.parametrize("name", QUICK_DECEPTIVE)
def test_a_deceptive_kind_is_seen_without_an_attack(name: str, bases: deceptive.Bases) -> None:
    verdict = check(deceptive.KINDS[name](bases), bases.images[:64], bases.labels[:64], attacked=0)
    assert telling(name, verdict.flags), str(verdict)


@pytest.mark.long
@pytest.mark.parametrize("name", deceptive.KINDS)
def test_a_deceptive_kind_is_flagged(name: str, bases: deceptive.Bases) -> None:
    verdict = check(deceptive.KINDS[name](bases), bases.images, bases.labels)
    assert telling(name, verdict.flags), str(verdict)


@pytest.mark.parametrize("name", QUICK_HONEST)
def test_an_honest_kind_passes_what_needs_no_attack(name: str, data: honest.Data) -> None:
    model, own = honest.KINDS[name](data, 0)
    verdict = check(model, own.test_images[:64], own.test_labels[:64], attacked=0)
    assert verdict.ok, str(verdict)


@pytest.mark.long
@pytest.mark.parametrize("name", honest.KINDS)
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_an_honest_kind_passes(name: str, data: honest.Data) -> None:
    model, own = honest.KINDS[name](data, 0)
    verdict = check(model, own.test_images[:256], own.test_labels[:256])
    assert verdict.ok, str(verdict)

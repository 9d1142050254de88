"""Deceptive classifiers are caught by name; honest ones pass."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.evaluation.around import Around
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.evaluation import check
from wsrnas.evaluation.checks import FLAGS
from wsrnas.evaluation.under_test.lock import digests


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        return torch.round(images * 8) / 8

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class Misled(torch.autograd.Function):
    """The identity with somebody else's gradient."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        return images.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return -gradient.flip(-1)


def batch_statistics(model: nn.Module) -> nn.Module:
    changed = copy.deepcopy(model)
    for layer in changed.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.track_running_stats, layer.running_mean, layer.running_var = False, None, None
    return changed.eval()


def with_dropout(model: nn.Module) -> nn.Module:
    changed = nn.Sequential(nn.Dropout(0.2), copy.deepcopy(model)).eval()
    changed[0].train()
    return changed


class Counting(nn.Module):
    """Learns from what it sees."""

    seen: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        return self.model(images)


class Purifier(nn.Module):
    """Takes gradient steps of its own before classifying."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = images.detach().requires_grad_(True)
            loss = self.model(leaf).logsumexp(1).sum()
            (gradient,) = torch.autograd.grad(loss, leaf)
        return self.model(images + 0.01 * gradient.detach().sign())


def quantised(images: Tensor) -> Tensor:
    return torch.round(images * 8) / 8


def leaking(model: nn.Module, images: Tensor) -> Any:
    logits = model(images)
    return logits, logits.argmax(1)


BROKEN: dict[str, tuple[Callable[[nn.Module], nn.Module], set[str]]] = {
    "softmax output": (lambda m: Around(m, lambda f, x: f(x).softmax(1)), {"softmax-output"}),
    "saturated logits by scale": (lambda m: Around(m, lambda f, x: 100 * f(x)), {"saturated-logits"}),
    "saturated logits by sigmoid": (lambda m: Around(m, lambda f, x: torch.sigmoid(40 * f(x))), {"saturated-logits"}),
    "non-differentiable preprocessing": (
        lambda m: Around(m, lambda f, x: f(torch.from_numpy((x.detach().cpu().numpy() > 0.5).astype("float32")))),
        {"non-differentiable"},
    ),
    "noise at inference": (
        lambda m: Around(m, lambda f, x: f(x + 0.05 * torch.randn_like(x))),
        {"random-output", "noise-at-inference"},
    ),
    "dropout layer left on": (with_dropout, {"dropout-on", "random-output"}),
    "functional dropout": (
        lambda m: Around(m, lambda f, x: functional.dropout(f(x), 0.3, training=True)),
        {"dropout-on", "random-output"},
    ),
    "BatchNorm left in train mode": (lambda m: copy.deepcopy(m).train(), {"batchnorm-train-mode", "state-changed"}),
    "BatchNorm without running statistics": (batch_statistics, {"batchnorm-train-mode", "batch-dependent"}),
    "gradient shattering by quantisation": (
        lambda m: Around(m, lambda f, x: f(quantised(x))),
        {"gradient-shattering", "zero-gradient", "non-differentiable"},
    ),
    "quantisation with a straight-through gradient": (
        lambda m: Around(m, lambda f, x: f(StraightThrough.apply(x))),
        {"gradient-shattering"},
    ),
    "a false gradient": (
        lambda m: Around(m, lambda f, x: f(Misled.apply(x))),
        {"gradient-shattering", "black-box-beats-white-box"},
    ),
    "vanishing gradients by temperature": (
        lambda m: Around(m, lambda f, x: f(x) / 0.01),
        {"vanishing-gradients", "zero-gradient"},
    ),
    "vanishing gradients by a huge temperature": (
        lambda m: Around(m, lambda f, x: f(x) * 1e-6),
        {"vanishing-gradients"},
    ),
    "label leak through a tuple": (lambda m: Around(m, leaking), {"tuple-output"}),
    "a dict": (lambda m: Around(m, lambda f, x: {"logits": f(x)}), {"tuple-output"}),
    "constant classifier": (
        lambda m: Around(m, lambda f, x: 0.0 * f(x) + torch.eye(10)[3]),
        {"constant-classifier"},
    ),
    "NaN logits": (lambda m: Around(m, lambda f, x: f(x) * float("nan")), {"nan-output"}),
    "counting": (Counting, {"state-changed"}),
    "test-time optimisation": (Purifier, {"test-time-optimisation"}),
}


NEED_ATTACKS = {"a false gradient"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_deceptive_classifier_is_caught_by_name(name: str, undefended: nn.Module, digits: Any) -> None:
    make, expected = BROKEN[name]
    attacked = 24 if name in NEED_ATTACKS else 0
    verdict = check(make(undefended), digits.images[:96], digits.labels[:96], attacked=attacked)
    assert expected <= set(verdict.flags), str(verdict)
    assert not verdict.ok
    assert verdict.exit_code == 1


@pytest.mark.parametrize("name", ["undefended", "pgd_trained", pytest.param("trades_trained", marks=pytest.mark.slow)])
def test_an_honest_network_passes(name: str, digits: Any, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(name)
    before = digests(model)
    verdict = check(model, digits.images[:96], digits.labels[:96], attacked=12)
    assert verdict.ok, str(verdict)
    assert verdict.flags == []
    assert verdict.exit_code == 0
    assert digests(model) == before
    assert not model.training


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", ["undefended", "pgd_trained", "trades_trained"])
def test_an_honest_network_passes_at_full_size(
    name: str, seed: int, digits: Any, request: pytest.FixtureRequest
) -> None:
    verdict = check(request.getfixturevalue(name), digits.images[:256], digits.labels[:256], seed=seed)
    assert verdict.ok, str(verdict)


def test_normalisation_outside_the_model(undefended: nn.Module, digits: Any) -> None:
    inside = Around(undefended, lambda f, x: f(x * 0.4 + 0.3))
    asked_on_pixels = check(inside, digits.images[:96], digits.labels[:96], attacked=0)
    assert "normalisation-outside-model" in asked_on_pixels.flags, str(asked_on_pixels)
    handed_over = check(inside, (digits.images[:96] - 0.3) / 0.4, digits.labels[:96], attacked=0)
    assert "normalisation-outside-model" in handed_over.flags


def test_pixels_up_to_255(undefended: nn.Module, digits: Any) -> None:
    wants = Around(undefended, lambda f, x: f(x / 255))
    assert "input-0-255" in check(wants, digits.images[:96], digits.labels[:96], attacked=0).flags
    verdict = check(wants, digits.images[:96] * 255, digits.labels[:96], attacked=0)
    assert verdict.flags == ["input-0-255"], str(verdict)


def test_a_frozen_classifier_is_not_believed_at_large_strengths(undefended: nn.Module, digits: Any) -> None:
    first = undefended(digits.images[:96]).detach()
    verdict = check(lambda x: first[: len(x)] if len(x) <= 96 else first, digits.images[:96], digits.labels[:96])
    assert not verdict.ok


def test_a_plain_function_can_be_checked(undefended: nn.Module, digits: Any) -> None:
    verdict = check(lambda x: undefended(x), digits.images[:48], digits.labels[:48], attacked=0)
    assert verdict.ok, str(verdict)


def test_the_verdict_reads_well_and_is_the_same_twice(undefended: nn.Module, digits: Any) -> None:
    model = Around(undefended, lambda f, x: f(x).softmax(1))
    one, two = (check(model, digits.images[:48], digits.labels[:48], attacked=0) for _ in range(2))
    assert str(one) == str(two)
    assert str(one).startswith("Do not believe robustness numbers of this model yet")
    assert "FLAG    softmax-output: outputs in [" in str(one)
    assert "What to do: Return what goes into the softmax (or sigmoid)." in str(one)
    assert json.loads(one.to_json())["flags"] == one.flags


def test_every_finding_is_registered_and_every_flag_is_reachable(undefended: nn.Module, digits: Any) -> None:
    verdict = check(undefended, digits.images[:48], digits.labels[:48], attacked=0)
    assert {one.name for one in verdict.findings} == set(FLAGS)


def test_bad_input_names_the_remedy(undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:32], digits.labels[:32]
    with pytest.raises(InputError, match="B >= 1"):
        check(undefended, images[:0], labels[:0])
    with pytest.raises(InputError, match=r"classes 0\.\.9"):
        check(undefended, images, labels + 5)
    broken = images.clone()
    broken[0, 0, 0, 0] = torch.nan
    with pytest.raises(InputError, match="NaN or infinity in 1 images"):
        check(undefended, broken, labels)
    with pytest.raises(InputError, match="a function from images to logits"):
        check(3, images, labels)


def test_a_model_in_train_mode_stays_there(undefended: nn.Module, digits: Any) -> None:
    model = copy.deepcopy(undefended).train()
    before = digests(model)
    check(model, digits.images[:32], digits.labels[:32], attacked=0)
    assert model.training
    assert digests(model) == before


def test_noise_made_on_another_model_joins_the_black_box_check(
    undefended: nn.Module, trades_trained: nn.Module, digits: Any
) -> None:
    verdict = check(undefended, digits.images[:40], digits.labels[:40], attacked=8, others=[trades_trained], norm="L2")
    assert any("noise from 1 other models" in one.evidence for one in verdict.findings)
    assert "black-box-beats-white-box" not in verdict.flags

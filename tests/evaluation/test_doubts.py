"""What `evaluate` notices by itself, and that it says nothing of honest models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.evaluation.around import Around
from torch import Tensor, nn

from wsrnas.attacks import ATTACKS, PGD, Square, build_attack, read_attacks
from wsrnas.evaluation import Evaluation, evaluate
from wsrnas.evaluation.under_test.probe import looks_like_probabilities
from wsrnas.rng import stream

QUICK = [PGD(eps=0.1, steps=4, keep="best"), Square(eps=0.1, queries=30)]


def doubts(found: Evaluation, text: str) -> bool:
    return any(text in one and one.endswith("Run `wsrnas check` on the model.") for one in found.doubts)


def measured(model: Any, digits: Any, strengths: Any = (0, 0.1), **settings: Any) -> Evaluation:
    return evaluate(model, digits.images[:60], digits.labels[:60], strengths, **{"attacks": QUICK, **settings})


@pytest.mark.parametrize(
    "network", ["undefended", "pgd_trained", pytest.param("trades_trained", marks=pytest.mark.slow)]
)
def test_honest_networks_hear_nothing(network: str, request: pytest.FixtureRequest, digits: Any) -> None:
    model = request.getfixturevalue(network)
    for strengths in ([0, 0.05, 0.1, 0.15, 0.2, 0.3], "0:0.3:11", [0.02, 0.04, 0.08, 0.16]):
        assert measured(model, digits, strengths).doubts == []
    assert measured(model, digits, [0, 0.1, 0.2], protocol="released", attacks=None).doubts == []
    assert measured(model, digits, [0, 0.5, 1.0], norm="L2", attacks=None, suite="fast").doubts == []


@pytest.mark.parametrize(
    "asked",
    [
        lambda f, x: next(f.parameters()).requires_grad,
        lambda f, x: x.requires_grad,
        lambda f, x: torch.is_grad_enabled(),
    ],
    ids=["weights", "images", "switched on"],
)
def test_another_model_for_gradients_is_noticed(asked: Any, undefended: nn.Module, digits: Any) -> None:
    aware = Around(undefended, lambda f, x: f(x) if asked(f, x) else f(x.flip(3)))
    assert doubts(measured(aware, digits), "when a gradient of images or weights is asked for")
    assert all(parameter.requires_grad for parameter in aware.parameters())


@pytest.mark.parametrize("temperature", [1.0, 5.0, 0.2, 100.0])
@pytest.mark.parametrize("attacks", ["pgd:steps=4", "square:queries=30"])
def test_probabilities_are_noticed_at_any_temperature(
    temperature: float, attacks: str, undefended: nn.Module, digits: Any
) -> None:
    softened = Around(undefended, lambda f, x: (f(x) / temperature).softmax(1))
    assert doubts(measured(softened, digits, attacks=attacks), "probabilities, not logits")


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (lambda z: z, False),
        (lambda z: z - z.mean(1, keepdim=True), False),
        (lambda z: z.log_softmax(1), False),
        (lambda z: z - z.min(), False),
        (lambda z: z + 1e3, False),
        (lambda z: z + 3e4, False),
        (lambda z: (z / 1000).softmax(1), True),
        (lambda z: (z / 1000).softmax(1).half().float(), True),
        (lambda z: z.softmax(1), True),
        (lambda z: 100 * z.softmax(1), True),
        (lambda z: 10 * z.softmax(1) - 3, True),
        (lambda z: (3 * z).sigmoid(), True),
        (lambda z: z.tanh() - z.tanh().mean(1, keepdim=True), False),
    ],
)
def test_what_looks_like_probabilities(outputs: Callable[[Tensor], Tensor], expected: bool) -> None:
    logits = 5 * torch.randn(40, 6, generator=stream(0, "logits"))
    assert looks_like_probabilities(outputs(logits)) is expected


def test_a_constant_prediction_and_accuracy_at_chance_are_named(undefended: nn.Module, digits: Any) -> None:
    one = Around(undefended, lambda f, x: 0.01 * f(x) + 50 * torch.eye(10)[3])
    assert doubts(measured(one, digits), "names one class for every image: it has learned nothing")
    chance = Around(undefended, lambda f, x: f(x).roll(3, 1))
    assert doubts(measured(chance, digits), "cannot be told from the")
    alone = digits.labels[:60] == int(digits.labels[0])
    found = evaluate(undefended, digits.images[:60][alone], digits.labels[:60][alone], [0.01], attacks=QUICK)
    assert found.doubts == []


def flat(images: Any, survivors: list[float], strengths: list[float], raw: list[float] | None = None) -> Evaluation:
    count = 200
    right = torch.stack([torch.arange(count) < round(share * count) for share in survivors], dim=1)
    from wsrnas.evaluation.result import intervals

    accuracy, low, high = intervals(right)
    return Evaluation(
        protocol="strict", norm="Linf", seed=0, strengths=strengths, accuracy=accuracy, ci_low=low, ci_high=high,
        raw_accuracy=raw or accuracy, accuracy_eight_bit=accuracy, survives=right,
        clean_correct=torch.arange(count) < round(images * count), per_attack={}, attacks={}, classes=10, majority=0.1,
        verified={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("clean", "survivors", "strengths"),
    [
        (0.80, [0.35, 0.30, 0.30, 0.30], [8 / 255, 16 / 255, 32 / 255, 64 / 255]),
        (0.60, [0.45, 0.44], [4 / 255, 8 / 255]),
        (0.95, [0.70, 0.40, 0.39, 0.38], [0.02, 0.1, 0.2, 0.4]),
        (0.60, [0.30, 0.34], [0.1, 0.2]),
    ],
)
def test_flat_curves_are_named(clean: float, survivors: list[float], strengths: list[float]) -> None:
    assert doubts(flat(clean, survivors, strengths), "The curve is flat from")


@pytest.mark.parametrize(
    ("clean", "survivors", "strengths"),
    [
        (0.535, [0.484, 0.431, 0.325, 0.242, 0.165, 0.098], [2 / 255, 4 / 255, 0.03, 0.045, 0.06, 0.075]),
        (0.752, [0.286, 0.062, 0.001], [2 / 255, 4 / 255, 0.03]),
        (0.99, [0.97, 0.95, 0.93], [0.1, 0.2, 0.3]),
        (0.98, [0.98, 0.975, 0.97], [1 / 255, 2 / 255, 4 / 255]),
        (0.80, [0.10, 0.05, 0.0], [0.1, 0.2, 0.4]),
        (0.60, [0.10, 0.10], [0.1, 0.2]),
        (0.84, [0.46, 0.45], [8 / 255, 9 / 255]),
    ],
)
def test_curves_of_honest_models_are_not(clean: float, survivors: list[float], strengths: list[float]) -> None:
    assert flat(clean, survivors, strengths).doubts == []


def nan_gradient(model: nn.Module, images: Tensor) -> Tensor:
    """A square root at zero in the middle of the image: right forwards, NaN backwards."""
    zero = (images - images.detach())[:, :, 3:5]
    return model(images) + 0 * (zero * zero).sum((1, 2, 3), keepdim=False).sqrt()[:, None]


def infinite_gradient(model: nn.Module, images: Tensor) -> Tensor:
    return model(images) + 1e-30 * (images - images.detach()).sqrt().sum((1, 2, 3))[:, None]


@pytest.mark.parametrize("broken", [nan_gradient, infinite_gradient])
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", ["pgd:steps=3", "apgd-ce:steps=4", "apgd-t:steps=3:classes=2", "fgsm", "fmn:steps=4",
                                  "autoattack:steps=2:queries=5"])  # fmt: skip
def test_broken_gradients_are_no_exception(
    name: str, norm: Any, broken: Callable[..., Tensor], undefended: nn.Module, digits: Any
) -> None:
    assert name.split(":")[0] in ATTACKS.names()
    model, images, labels = Around(undefended, broken), digits.images[:16], digits.labels[:16]
    found = evaluate(model, images, labels, [0, 0.5], norm=norm, attacks=f"{name},square:queries=10")
    assert found.verified["broken_gradients"]
    assert doubts(found, "Gradients were NaN or infinite")
    assert not evaluate(undefended, images, labels, [0.5], norm=norm, attacks=name).verified["broken_gradients"]


def test_broken_gradients_in_the_released_protocol(undefended: nn.Module, digits: Any) -> None:
    found = measured(Around(undefended, nan_gradient), digits, protocol="released", attacks=None)
    assert doubts(found, "Gradients were NaN or infinite")


def test_an_attack_called_by_hand_still_refuses_them(undefended: nn.Module, digits: Any) -> None:
    from wsrnas.errors import InputError

    attack = build_attack(read_attacks("pgd:steps=2")[0])
    with pytest.raises(InputError, match="finite gradients"):
        attack(Around(undefended, nan_gradient), digits.images[:4], digits.labels[:4])


def test_standing_still_under_noise_is_named(undefended: nn.Module, digits: Any) -> None:
    coarse = Around(undefended, lambda f, x: f((x * 2).round() / 2 + 0 * x))
    found = evaluate(coarse, 0.5 * digits.images[:40].round() + 0.5, digits.labels[:40], [0.1], attacks=QUICK)
    assert doubts(found, "exactly as they are")


def test_doubts_are_in_the_record_and_in_print(undefended: nn.Module, digits: Any) -> None:
    found = measured(Around(undefended, lambda f, x: f(x).softmax(1)), digits)
    assert found.to_dict()["doubts"] == found.doubts
    assert Evaluation.from_dict(found.to_dict()).doubts == found.doubts
    assert f"doubt: {found.doubts[0]}" in str(found)

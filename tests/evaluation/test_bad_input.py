"""Every bad input is refused with a message that names the remedy."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from tests.evaluation.around import Around
from torch import Tensor, nn

from wsrnas.attacks import PGD, Attack, Square
from wsrnas.errors import InputError
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.suites import chosen_attacks

FAST = [PGD(eps=0.1, steps=1)]


class Counting(nn.Module):
    seen: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        return self.model(images)


@dataclass(frozen=True, kw_only=True)
class Refusing(Attack):
    """An attack that must not be reached."""

    passes = 1

    def _craft(self, *arguments: Any) -> Tensor:
        raise AssertionError("attacked")


def bad_pixel(images: Tensor, value: float) -> Tensor:
    changed = images.clone()
    changed[0, 0, 0, 0] = value
    return changed


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (lambda x: x * 255, r"these look like 0\.\.255: pass images / 255"),
        (lambda x: x * 2 - 1, r"undo the normalisation and make it the model's first layer"),
        (lambda x: bad_pixel(x, torch.nan), "NaN or infinity in 1 images"),
        (lambda x: x[:, 0], r"add the missing axis with images\[:, None\]"),
        (lambda x: x[:0], "B >= 1"),
        (lambda x: (x * 255).byte(), r"pass images\.float\(\) / 255"),
        (lambda x: x[:, :, :5, :5], r"cannot classify images of shape \(20, 1, 5, 5\)"),
    ],
)
def test_images(images: Any, message: str, undefended: nn.Module, digits: Any) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(undefended, images(digits.images[:20]), digits.labels[:20], [0.1], attacks=FAST)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (lambda y: y + 1, "got label 10; count classes from 0"),
        (lambda y: y - 1, "classes counted from 0"),
        (lambda y: y + 90, "built for other data"),
        (lambda y: y[:5], r"shape \(20,\), one a image"),
        (lambda y: nn.functional.one_hot(y, 10), r"labels\.argmax\(1\) for one-hot"),
        (lambda y: y.float(), r"pass labels\.long\(\)"),
    ],
)
def test_labels(labels: Any, message: str, undefended: nn.Module, digits: Any) -> None:
    chosen = torch.cat([(digits.labels == k).nonzero()[:2].flatten() for k in range(10)])
    with pytest.raises(InputError, match=message):
        evaluate(undefended, digits.images[chosen], labels(digits.labels[chosen]), [0.1], attacks=FAST)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, x: (f(x), 1), r"a tuple of 2; wrap the model .* lambda x: model\(x\)\[0\]"),
        (lambda f, x: {"logits": f(x)}, r"a dict with logits; wrap the model"),
        (lambda f, x: f(x) * torch.nan, "NaN or infinity for 20 of 20 images"),
        (lambda f, x: f(x)[:, :1], r"a single logit z is the two-class model \[0, z\]"),
        (lambda f, x: f(x).argmax(1), "return one score per class"),
        (lambda f, x: f(x)[:3], "at least 2 classes, .* one row of class scores per image"),
        (lambda f, x: f(x).detach().numpy(), r"a ndarray; return a torch tensor"),
        (lambda f, x: "nine", "a str"),
    ],
)
def test_models(change: Any, message: str, undefended: nn.Module, digits: Any) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(Around(undefended, change), digits.images[:20], digits.labels[:20], [0.1], attacks=FAST)


def test_a_model_that_is_no_function_or_not_float32(undefended: nn.Module, digits: Any) -> None:
    with pytest.raises(InputError, match="a function from images to logits"):
        evaluate("resnet", digits.images[:4], digits.labels[:4], [0.1])
    with pytest.raises(InputError, match=r"got the class Linear; pass Linear\("):
        evaluate(nn.Linear, digits.images[:4], digits.labels[:4], [0.1])
    with pytest.raises(InputError, match=r"pass model\.float\(\)"):
        evaluate(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).half(), digits.images[:4], digits.labels[:4], [0.1])


def test_a_model_that_changes_while_it_is_measured(undefended: nn.Module, digits: Any) -> None:
    with pytest.raises(InputError, match="changes in seen; a model that changes while it is measured"):
        evaluate(Counting(undefended), digits.images[:4], digits.labels[:4], [0], attacks=FAST)
    with pytest.raises(InputError, match="changes in seen"):  # before the attack, which would be refused too
        evaluate(Counting(undefended), digits.images[:4], digits.labels[:4], [0.1], attacks=[Refusing(eps=0.1)])


def test_settings(undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:20], digits.labels[:20]

    def run(strengths: Any = 0.1, **settings: Any) -> None:
        evaluate(undefended, images, labels, strengths, **settings)

    with pytest.raises(InputError, match="did you mean 8/255"):
        run([8])
    with pytest.raises(InputError, match="is not sorted"):
        run([0.2, 0.1])
    with pytest.raises(InputError, match="did you mean 'strict'"):
        run(protocol="stric")
    with pytest.raises(InputError, match="did you mean 'standard'"):
        run(suite="standart")
    with pytest.raises(InputError, match=r"2398 for an interval of ±0\.02, got 20; pass 2398 images"):
        run(interval=0.02)
    with pytest.raises(InputError, match="batch_size: expected a whole number >= 1"):
        run(batch_size=0)
    with pytest.raises(InputError, match="give Square-10 norm='Linf' or evaluate with norm='L2'"):
        run(attacks=[Square(eps=0.1, queries=10, norm="L2")])
    with pytest.raises(InputError, match="device: gpu cannot be used here"):
        run(device="gpu")
    with pytest.raises(InputError, match="at least one attack"):
        run(attacks=[])
    with pytest.raises(InputError, match="the released protocol fixes its attack"):
        run(protocol="released", attacks=FAST)
    with pytest.raises(InputError, match="Linf in the released protocol"):
        run(protocol="released", norm="L2")
    with pytest.raises(InputError, match="without / and @"):
        run(attacks={"a/b": FAST[0]})


@pytest.mark.parametrize(
    ("attacks", "message"),
    [(FAST[0], r"got a PGD; write \[attack\]"), ([PGD], "got the class PGD"), ([3], "got a int")],
)
def test_attacks_of_another_kind(attacks: Any, message: str) -> None:
    unhooked = inspect.unwrap(chosen_attacks)  # the tests' type checker would refuse them before we can
    with pytest.raises(InputError, match=message):
        unhooked(attacks, "fast", "Linf")


def test_an_attack_that_does_not_apply(undefended: nn.Module, digits: Any) -> None:
    blind = Around(undefended, lambda f, x: f(x).detach())
    with pytest.raises(InputError, match=r"attack PGD-1 does not apply: .*suite='queries'"):
        evaluate(blind, digits.images[:8], digits.labels[:8], [0.1], attacks=FAST)
    with pytest.raises(InputError, match="a function, which has no train mode"):
        evaluate(lambda x: undefended(x), digits.images[:8], digits.labels[:8], [0.1], protocol="released")


def test_an_attack_that_leaves_its_ball(undefended: nn.Module, digits: Any) -> None:
    from wsrnas.evaluation.adapters import ForeignAttack

    cheat = ForeignAttack(name="cheat", call=lambda model, images, labels, strength: 1 - images)
    found = evaluate(undefended, digits.images[:8], digits.labels[:8], [0.05], attacks=[cheat])
    assert found.verified["largest_distance_over_strength"] <= 1 + 1e-5

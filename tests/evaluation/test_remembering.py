"""Models that remember what they have seen outside their buffers, or look at the rest of the batch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.evaluation.around import Around
from torch import Tensor, nn

from wsrnas.attacks import PGD, Square
from wsrnas.errors import InputError
from wsrnas.evaluation import Evaluation, evaluate
from wsrnas.evaluation.under_test.copies import Copies

ATTACKS = {"pgd": PGD(eps=0.1, steps=5, keep="best"), "square": Square(eps=0.1, queries=40)}


class Cache(nn.Module):
    """Answers as it did to the first image it saw within 0.3 of this one; the list is a plain attribute."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        rows = []
        for image, row in zip(images, logits):
            known = [old for seen, old in self.seen if float((seen - image.detach()).abs().max()) <= 0.3]
            if not known:
                self.seen.append((image.detach().clone(), row.detach().clone()))
            rows.append(known[0] + 0 * row if known else row)
        return torch.stack(rows)


class Counter(nn.Module):
    """Turns the labels round from its eighth call on."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        logits: Tensor = self.model(images)
        return logits if self.calls < 8 else logits.roll(1, 1)


class Noting(nn.Module):
    """Adds the same number to every logit once it has seen other images: noticed, and nothing follows from it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.first: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        if self.first is None:
            self.first = images[0].detach().clone()
        logits: Tensor = self.model(images)
        return logits if torch.equal(images[0], self.first) else logits + 1.0


class CountedByWeights(nn.Module):
    """Changes a buffer, but only where a gradient is asked for."""

    seen: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        if float(images.sum()) > 1e9:
            self.seen += 1
        return self.model(images)


def measured(model: Any, digits: Any, **settings: Any) -> Evaluation:
    return evaluate(model, digits.images[:24], digits.labels[:24], [0, 0.15], attacks=ATTACKS, **settings)


def doubt(found: Evaluation, text: str) -> bool:
    return any(text in one and "wsrnas check" in one for one in found.doubts)


def test_an_honest_model_is_scored_on_copies_and_nothing_is_said(undefended: nn.Module, digits: Any) -> None:
    found = measured(undefended, digits)
    assert found.verified["scored_on_a_fresh_copy"] is True
    assert found.verified["answers_unlike_a_fresh_copy"] == 0
    assert found.verified["batch_dependent_at"] is None
    assert found.verified["still_under_noise"] == 0
    assert found.doubts == []


def test_a_cache_of_images_seen_is_noticed_and_does_not_help(undefended: nn.Module, digits: Any) -> None:
    plain, found = measured(undefended, digits), measured(Cache(undefended), digits)
    assert doubt(found, "The model remembers")
    assert found.verified["remembers"]
    # Within a batch it still answers for two images near each other as for the first; else it is the plain model.
    assert abs(found.accuracy[1] - plain.accuracy[1]) <= 1 / 24
    assert found.accuracy[1] < found.accuracy[0]


def test_a_counter_is_noticed_and_does_not_help(undefended: nn.Module, digits: Any) -> None:
    plain, found = (measured(model, digits, batch_size=8) for model in (undefended, Counter(undefended)))
    assert doubt(found, "The model remembers")
    assert found.verified["answers_unlike_a_fresh_copy"] > 0
    assert (found.accuracy, found.per_attack) == (plain.accuracy, plain.per_attack)


def test_a_model_that_remembers_is_measured_the_same_after_a_kill(
    undefended: nn.Module, digits: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(out: Any) -> Evaluation:
        images, labels = digits.images[:16], digits.labels[:16]
        return evaluate(Counter(undefended), images, labels, [0.1, 0.2], attacks=ATTACKS, out=out)

    whole, original = run(tmp_path / "whole"), Square._craft

    def dies(self: Square, *arguments: Any) -> Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr(Square, "_craft", dies)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut")
    monkeypatch.setattr(Square, "_craft", original)
    assert run(tmp_path / "cut").to_dict() == whole.to_dict()


def test_records_do_not_depend_on_what_was_measured_before(undefended: nn.Module, digits: Any, tmp_path: Any) -> None:
    images, labels = digits.images[:24], digits.labels[:24]
    attacks = {"pgd": ATTACKS["pgd"]}
    together = evaluate(Cache(undefended), images, labels, [0.1, 0.2], attacks=attacks)
    alone = evaluate(Cache(undefended), images, labels, [0.2], attacks=attacks)
    assert together.raw_accuracy[1] == alone.raw_accuracy[0]


def test_a_function_cannot_be_copied_and_that_is_said(undefended: nn.Module, digits: Any) -> None:
    found = measured(lambda images: undefended(images), digits)
    assert "function" in found.verified["scored_on_a_fresh_copy"]
    assert found.accuracy == measured(undefended, digits).accuracy


class Locked(nn.Module):
    """Holds what cannot be copied."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.lock = threading.Lock()

    def forward(self, images: Tensor) -> Tensor:
        with self.lock:
            return self.model(images)


class Hooked(nn.Module):
    """Reads what a hook of its own, bound to itself, left behind: a copy would read the original's."""

    def __init__(self, model: nn.Sequential) -> None:
        super().__init__()
        self.features, self.last = model[:-1], model[-1]
        self.kept: dict[str, Tensor] = {}
        self.features.register_forward_hook(lambda module, given, output: self.kept.update(found=output))

    def forward(self, images: Tensor) -> Tensor:
        self.features(images)
        return self.last(self.kept["found"])


@pytest.mark.parametrize(
    ("wrapped", "reason"), [(Locked, "cannot be copied"), (Hooked, "a copy of it")], ids=["lock", "hook"]
)
def test_honest_models_that_cannot_be_copied_are_measured_as_they_are(
    wrapped: Callable[[nn.Module], nn.Module], reason: str, undefended: nn.Module, digits: Any
) -> None:
    plain, found = measured(undefended, digits), measured(wrapped(undefended), digits)
    assert reason in found.verified["scored_on_a_fresh_copy"]
    assert (found.accuracy, found.per_attack, found.doubts) == (plain.accuracy, plain.per_attack, [])


def test_the_released_protocol_needs_a_copy(undefended: nn.Module, digits: Any) -> None:
    with pytest.raises(InputError, match="expected one that can be copied, .*got it cannot be copied"):
        evaluate(Locked(undefended), digits.images[:8], digits.labels[:8], [0.1], protocol="released")


def test_the_released_protocol_keeps_the_averages_of_a_model_that_remembers(undefended: nn.Module, digits: Any) -> None:
    def measure(model: nn.Module) -> Evaluation:
        return evaluate(model, digits.images[:200], digits.labels[:200], [0.05, 0.1], protocol="released")

    plain, found = measure(undefended), measure(Noting(undefended))
    assert found.verified["remembers"]
    assert doubt(found, "The model remembers")
    assert torch.equal(found.survives, plain.survives)


def test_a_copy_that_changes_its_buffers_under_attack_is_refused(undefended: nn.Module) -> None:
    copies = Copies(CountedByWeights(undefended))
    used = copies.fresh()
    copies.refuse_changed(used)
    used.model.seen += 1
    with pytest.raises(InputError, match="got changes in seen"):
        copies.refuse_changed(used)


BATCHES: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "of 1": lambda f, x: f(x).roll(1, 1) if len(x) == 1 else f(x),
    "above 20": lambda f, x: f(x) if len(x) <= 20 else f(x).roll(1, 1),
    "minus its mean": lambda f, x: f(x - x.mean(0, keepdim=True) + 0.3),
    "the last one": lambda f, x: f(x) if len(x) == 24 else f(x).roll(1, 1),
    "by position": lambda f, x: f(x) + torch.arange(len(x))[:, None] * torch.eye(10)[0],
}


@pytest.mark.parametrize("name", BATCHES)
def test_looking_at_the_batch_is_noticed(name: str, undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:40], digits.labels[:40]
    found = evaluate(Around(undefended, BATCHES[name]), images, labels, [0.1], attacks=ATTACKS, batch_size=24)
    assert doubt(found, "depend on its batch")

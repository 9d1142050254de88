"""The contract of every protocol; a new class is found and tested unasked."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.contracts import concrete
from torch import nn

from wsrnas.errors import InputError
from wsrnas.evaluation import PROTOCOLS, Protocol, Released, Strict, evaluate
from wsrnas.evaluation.under_test.lock import digests

KINDS = concrete(Protocol)
STRENGTHS = [0, 0.1, 0.2]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> type[Protocol]:
    found: type[Protocol] = request.param
    return found


def test_every_protocol_is_known_by_its_name_and_is_a_value(kind: type[Protocol]) -> None:
    assert PROTOCOLS[kind.name] == kind()
    assert kind(batch_size=7) != kind()
    assert kind.__final__ is True  # type: ignore[attr-defined]
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert kind.explanation.endswith(".")
    with pytest.raises(InputError, match="batch_size: expected a whole number >= 1, got 0"):
        kind(batch_size=0)


def test_an_object_is_its_name(kind: type[Protocol], undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:30], digits.labels[:30]
    by_name = evaluate(undefended, images, labels, STRENGTHS, protocol=kind.name, suite="fast", batch_size=10)
    as_object = evaluate(undefended, images, labels, STRENGTHS, protocol=kind(batch_size=10), suite="fast")
    assert by_name.to_dict() == as_object.to_dict()
    assert by_name.protocol == kind.name


def test_strength_zero_is_clean_accuracy_and_the_model_is_as_it_was(
    kind: type[Protocol], undefended: nn.Module, digits: Any
) -> None:
    before = digests(undefended)
    found = evaluate(undefended, digits.images[:30], digits.labels[:30], STRENGTHS, protocol=kind(), suite="fast")
    assert found.accuracy[0] == found.clean_accuracy
    assert digests(undefended) == before
    assert found.survives.shape == (30, 3)
    assert found.accuracy == found.survives.double().mean(0).tolist()
    assert list(found.per_attack) == list(found.attacks)


def test_every_row_of_its_table_has_a_cell_for_every_column(
    kind: type[Protocol], undefended: nn.Module, digits: Any
) -> None:
    protocol = kind()
    found = evaluate(undefended, digits.images[:20], digits.labels[:20], STRENGTHS, protocol=protocol, suite="fast")
    columns = protocol.columns(found)
    assert columns[0] == f"{kind.name} %"
    assert len(set(columns)) == len(columns)
    for row in range(3):
        cells = protocol.cells(found, row)
        assert len(cells) == len(columns)
        assert cells[0] == f"{100 * found.accuracy[row]:.1f}"
    assert protocol.attack_note(found)


def test_headlines_come_from_strict_alone() -> None:
    assert [name for name, protocol in PROTOCOLS.items() if protocol.believed] == [Strict.name]
    assert next(iter(PROTOCOLS)) == Strict.name
    assert (Strict().line, Released().line) == ("solid", "dashed")
    assert (Strict().label("a"), Released().label("a")) == ("a", "a, released")


def test_a_protocol_of_ones_own(undefended: nn.Module, digits: Any) -> None:
    from dataclasses import dataclass
    from typing import ClassVar

    from wsrnas.evaluation.protocols import Curve, Setting

    @dataclass(frozen=True, kw_only=True)
    class Clean(Protocol):
        """No attack at all."""

        name: ClassVar[str] = "clean"
        explanation: ClassVar[str] = "Clean: nothing is attacked."
        believed: ClassVar[bool] = False

        def accepted(self, attacks: Any, suite: Any) -> Any:
            return {}

        def described(self, attacks: Any) -> dict[str, str]:
            return {"none": "no attack"}

        def check(self, model: nn.Module, norm: Any) -> None:
            pass

        def measure(self, setting: Setting, attacks: Any) -> Curve:
            survives = setting.clean_correct[:, None].expand(-1, len(setting.strengths)).clone()
            share = survives.double().mean(0).tolist()
            return Curve(survives=survives, survives_eight_bit=survives, raw_accuracy=share, per_attack={"none": share})

    found = evaluate(undefended, digits.images[:20], digits.labels[:20], STRENGTHS, protocol=Clean())
    assert found.accuracy == [found.clean_accuracy] * 3
    assert torch.equal(found.survives[:, 0], found.survives[:, 2])

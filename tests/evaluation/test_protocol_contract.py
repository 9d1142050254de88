"""Every evaluation protocol, found by itself, keeps what the base class promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.contracts import concrete
from torch import nn

from wsrnas.errors import InputError
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.evaluation.protocols.base import Protocol


@pytest.fixture(params=concrete(Protocol), ids=lambda kind: kind.name)
def protocol(request: pytest.FixtureRequest) -> Any:
    return request.param(batch_size=8)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def test_it_is_known_by_its_name_and_explains_itself(protocol: Any) -> None:
    assert PROTOCOLS[protocol.name].name == protocol.name
    assert len(protocol.explanation) > 40
    assert isinstance(protocol.believed, bool)


def test_it_is_a_value_that_refuses_an_empty_batch(protocol: Any) -> None:
    assert protocol == replace(protocol)
    assert replace(protocol, batch_size=9) != protocol
    with pytest.raises(InputError, match="batch_size: expected .*1, got 0"):
        replace(protocol, batch_size=0)


def test_its_curve_has_a_row_a_strength_and_falls(protocol: Any, network: nn.Module, images: torch.Tensor) -> None:
    labels = network(images).argmax(1)
    result = evaluate(network, images, labels, [0, 0.1, 0.4], protocol=protocol.name, suite="fast", progress=False)
    assert result.protocol == protocol.name
    assert len(result.accuracy) == 3
    assert result.accuracy[0] >= result.accuracy[2]
    cells = [protocol.cells(result, row) for row in range(3)]
    assert {len(row) for row in cells} == {len(protocol.columns(result))}
    assert set(protocol.identity()) >= {"batch size"}


def test_the_network_is_left_as_it_was(protocol: Any, network: nn.Module, images: torch.Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    evaluate(network, images, torch.zeros(12, dtype=torch.long), [0.1], protocol=protocol.name, suite="fast",
             progress=False)  # fmt: skip
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not network.training

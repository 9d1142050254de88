"""The contract of every network that a run folder can describe, found by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.contracts import concrete

from wsrnas import rng
from wsrnas.models.network import (
    ActivatedNetwork,
    EnsembleNetwork,
    GenotypeNetwork,
    NamedNetwork,
    NetworkSpec,
    read_class_names,
    read_network,
    write_network,
)
from wsrnas.spaces import NetworkConfig, get_space

SIZE = NetworkConfig(channels=2, layers=3, num_classes=3, image_shape=(1, 8, 8), mean=(0.3,), std=(0.4,))
NAMED = {"num_classes": 3, "image_shape": (1, 8, 8), "mean": (0.3,), "std": (0.4,), "channels": 2, "layers": 3}
EXAMPLES: dict[type[NetworkSpec], NetworkSpec] = {
    GenotypeNetwork: GenotypeNetwork(genotype=get_space("nb201").sample(rng.stream(0, "network")), config=SIZE),
    NamedNetwork: NamedNetwork(name="wsrnet-basic", config=NAMED),
}
EXAMPLES[ActivatedNetwork] = ActivatedNetwork(network=EXAMPLES[GenotypeNetwork], activation="silu")
EXAMPLES[EnsembleNetwork] = EnsembleNetwork(members=(EXAMPLES[GenotypeNetwork], EXAMPLES[NamedNetwork]))


@pytest.fixture(params=concrete(NetworkSpec), ids=lambda kind: kind.__name__)
def network(request: pytest.FixtureRequest) -> NetworkSpec:
    return EXAMPLES[request.param]


def test_it_gives_logits_of_its_classes(network: NetworkSpec) -> None:
    assert network.initialise(0).eval()(torch.rand(2, 1, 8, 8)).shape == (2, 3)


def test_weights_belong_to_the_seed_alone(network: NetworkSpec) -> None:
    state = torch.get_rng_state()
    first, again, other = (network.initialise(seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_it_comes_back_from_its_file_as_the_same_network(network: NetworkSpec, tmp_path: Path) -> None:
    write_network(tmp_path, network)
    back = read_network(tmp_path)
    assert back == network
    assert json.loads((tmp_path / "network.json").read_text()) == json.loads(json.dumps(network.to_dict()))
    one, other = network.initialise(3).state_dict(), back.initialise(3).state_dict()
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_its_contract_is_what_it_answers_and_is_asked(network: NetworkSpec) -> None:
    assert network.contract() == {"num_classes": 3, "image_shape": (1, 8, 8)}


def test_class_names_travel_with_it(network: NetworkSpec, tmp_path: Path) -> None:
    write_network(tmp_path, network, ("cat", "dog", "owl"))
    assert read_class_names(tmp_path) == ("cat", "dog", "owl")
    assert read_network(tmp_path) == network
    write_network(tmp_path, network)
    assert read_class_names(tmp_path) is None

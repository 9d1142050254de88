"""Costs: counted passes against a training that counts them, and a measurement that leaves no trace."""

import torch
from tests.training.made_network import MadeNetwork

from wsrnas.data import DataConfig
from wsrnas.parts import PartConfig
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.throughput import Throughput, estimate_passes, measure_throughput
from wsrnas.training.train import train


def test_measuring_leaves_the_network_alone(tiny_network):
    model = tiny_network()
    model[0].weight.requires_grad_(False)
    before = [tensor.clone() for tensor in model.state_dict().values()]
    runtime = Runtime(RuntimeConfig(device="cpu"))
    measured = measure_throughput([model], (3, 8, 8), batch_size=4, runtime=runtime, seconds=0.05, rounds=3)
    assert measured.forward > 0
    assert measured.forward_backward > 0
    assert len(measured.rounds) == 3
    assert measured.lowest <= measured.passes <= measured.highest
    assert model.training
    assert [parameter.requires_grad for parameter in model.parameters()] == [False, True, True, True, True, True]
    assert all(torch.equal(old, new) for old, new in zip(before, model.state_dict().values()))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_networks_that_share_weights_get_their_flags_back(tiny_network):
    model = tiny_network()
    model[0].weight.requires_grad_(False)
    other = torch.nn.Sequential(*model)
    runtime = Runtime(RuntimeConfig(device="cpu"))
    measure_throughput([model, other], (3, 8, 8), batch_size=4, runtime=runtime, seconds=0.01, rounds=1)
    assert [parameter.requires_grad for parameter in model.parameters()] == [False, True, True, True, True, True]


def test_hours_follow_from_passes():
    assert Throughput(forward=500.0, forward_backward=100.0, batch_size=8).hours(720_000.0) == 1.0


def test_estimated_passes_are_those_of_a_real_training(tmp_path, tiny_network, monkeypatch):
    monkeypatch.setattr("wsrnas.training.folder.write_budget", lambda *arguments: None)  # times the trained network
    config = TrainConfig(
        data=DataConfig(name="digits", valid_fraction=0.2, train_limit=100),
        loss=PartConfig(name="pgd", settings={"eps": 0.1, "steps": 2}),
        selection=SelectionConfig(every=2, steps=3, images=40),
        runtime=RuntimeConfig(device="cpu"),
        epochs=3,
        batch_size=32,
    )
    seen = {"passes": 0}

    def count(module, inputs, output):
        rows = len(output)
        seen["passes"] += rows
        if output.requires_grad:
            output.register_hook(lambda gradient: seen.__setitem__("passes", seen["passes"] + rows))

    def network():
        model = tiny_network(10, channels=1)
        model.register_forward_hook(count)
        return model

    train(config, MadeNetwork(name="tiny", factory=network), tmp_path / "run")
    assert seen["passes"] == sum(estimate_passes(config, 100, 287).values())

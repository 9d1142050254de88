"""Adversarial weight perturbation against Algorithm 1 of Wu et al., written with copies of the network."""

import copy

import pytest
import torch
from torch import nn

from wsrnas import rng
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.training.epoch import train_epoch
from wsrnas.training.losses import TRADES, AdversarialLoss, MultiStrength, PGDTraining
from wsrnas.training.perturbation import PerturbationConfig, WeightPerturbation

EPS = 8 / 255
LOSSES = [PGDTraining(eps=EPS, steps=2), TRADES(eps=EPS, steps=2), MultiStrength(strengths=(0.01, EPS), steps=2)]


def stream(step: int) -> torch.Generator:
    return rng.stream(0, "attack", step)


def slow_gradients(
    model: nn.Module, loss: AdversarialLoss, images: torch.Tensor, labels: torch.Tensor, gamma: float
) -> dict[str, torch.Tensor]:
    """Move a copy of the weights by v, take the gradient there, and hand it to the weights."""
    attacked = loss.attacked(model, images, labels, stream(0))
    proxy = copy.deepcopy(model).train()
    loss.objective(proxy, images, attacked, labels)[0].backward()
    with torch.no_grad():
        for weight in proxy.parameters():
            if weight.ndim > 1:
                weight += gamma * weight.norm() * weight.grad / weight.grad.norm()
    proxy.zero_grad()
    loss.objective(proxy, images, attacked, labels)[0].backward()
    return {name: weight.grad for name, weight in proxy.named_parameters()}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_gradient_is_that_at_the_worst_weights_nearby(loss, tiny_network, batch):
    model, (images, labels) = tiny_network(), batch()
    before = copy.deepcopy(model.state_dict())
    expected = slow_gradients(tiny_network(), loss, images, labels, 0.05)
    ((value, logits),) = WeightPerturbation(gamma=0.05).updates(loss, model, images, labels, stream(0))
    value.backward()
    assert logits.shape == (6, 4)
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name])
        torch.testing.assert_close(weight.grad, expected[name], rtol=1e-4, atol=1e-6)
    plain = tiny_network()
    loss(plain, images, labels, stream(0))[0].backward()
    assert any(not torch.allclose(a.grad, b.grad, rtol=1e-3) for a, b in zip(model.parameters(), plain.parameters()))


def test_batchnorm_averages_move_once(tiny_network, batch):
    model, (images, labels) = tiny_network(), batch()
    loss = PGDTraining(eps=EPS, steps=1)
    list(WeightPerturbation(gamma=0.01).updates(loss, model, images, labels, stream(0)))
    assert model.state_dict()["1.num_batches_tracked"] == 1
    assert model.training


def test_an_infinitesimal_perturbation_changes_nothing(tiny_network, batch):
    """With γ → 0 an epoch is one without it."""
    runtime, batches = Runtime(RuntimeConfig(device="cpu")), [batch(seed=seed) for seed in range(3)]
    ends = []
    for perturbation in (None, WeightPerturbation(gamma=1e-9)):
        model = tiny_network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        train_epoch(
            model,
            optimizer,
            LOSSES[0],
            batches,
            runtime=runtime,
            generator_for=stream,
            perturbation=perturbation,
        )
        ends.append(model.state_dict())
    for mine, theirs in zip(*(end.values() for end in ends)):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_frozen_and_unused_weights_stay_where_they_are(tiny_network, batch):
    model, (images, labels) = tiny_network(), batch()
    model.add_module("unused", nn.Identity())
    model.unused.weight = nn.Parameter(torch.ones(2, 2))
    model[0].weight.requires_grad_(False)
    moved = WeightPerturbation(gamma=0.1).moved(LOSSES[0], model, images, images, labels)
    assert set(moved) == {"5.weight"}


def test_a_network_without_any_gradient_is_not_moved_to_nan(tiny_network, batch):
    model, (images, labels) = tiny_network(), batch()
    nn.init.zeros_(model[5].weight)  # then the convolution gets no gradient at all
    moved = WeightPerturbation(gamma=0.1).moved(LOSSES[0], model, images, images, labels)
    assert torch.equal(moved["0.weight"], model[0].weight)
    assert torch.isfinite(moved["5.weight"]).all()


def test_it_starts_after_the_epochs_without_it():
    config = PerturbationConfig(gamma=0.005, start=2)
    assert [config.at(epoch) is not None for epoch in range(4)] == [False, False, True, True]
    assert PerturbationConfig().at(9) is None

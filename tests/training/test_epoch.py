"""One epoch: what moves, what does not, and what it reports."""

import pytest
import torch
from torch import nn

from wsrnas import rng
from wsrnas.errors import InputError
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.training.epoch import EpochSums, train_epoch
from wsrnas.training.losses import PGDTraining, Standard


@pytest.fixture(scope="module")
def runtime():
    return Runtime(RuntimeConfig(device="cpu"))


def stream(step: int) -> torch.Generator:
    return rng.stream(0, "attack", step)


class Shared(nn.Module):
    """Two branches with shared ends, as a super-network in small."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.branches = nn.ModuleList([nn.Linear(192, 8), nn.Linear(192, 8)])
        self.head = nn.Linear(8, 4)


class Branch(nn.Module):
    def __init__(self, shared: Shared, index: int) -> None:
        super().__init__()
        self.branch, self.head = shared.branches[index], shared.head

    def forward(self, images):
        return self.head(self.branch(images.flatten(1)).relu())


def test_only_the_sub_network_moves(runtime, batch):
    shared = Shared()
    optimizer = torch.optim.SGD(shared.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    batches = [batch(seed=seed) for seed in range(3)]
    train_epoch(Branch(shared, 1), optimizer, Standard(), batches, runtime=runtime, generator_for=stream)
    before = [parameter.clone() for parameter in shared.parameters()]
    train_epoch(Branch(shared, 0), optimizer, Standard(), batches, runtime=runtime, generator_for=stream)
    moved = [not torch.equal(old, new) for old, new in zip(before, shared.parameters())]
    assert moved == [True, True, False, False, True, True]
    assert all(parameter.grad is None for parameter in shared.parameters())


def test_equals_the_loop_one_would_write_by_hand(runtime, tiny_network, batch):
    loss, batches = PGDTraining(eps=8 / 255, steps=2), [batch(seed=seed) for seed in range(3)]
    ours, theirs = tiny_network(), tiny_network()
    optimizer = torch.optim.SGD(ours.parameters(), lr=0.1, momentum=0.9)
    rates = [0.1, 0.05, 0.01]
    result = train_epoch(
        ours, optimizer, loss, batches, runtime=runtime, generator_for=stream, clip=0.5, learning_rate=rates.__getitem__
    )
    other = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    total, correct = 0.0, 0
    for step, (images, labels) in enumerate(batches):
        other.param_groups[0]["lr"] = rates[step]
        value, logits = loss(theirs, images, labels, stream(step))
        other.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        other.step()
        total += value.item() * len(labels)
        correct += int((logits.argmax(1) == labels).sum())
    for mine, expected in zip(ours.state_dict().values(), theirs.state_dict().values()):
        assert torch.equal(mine, expected)
    assert result.images == 18
    assert result.loss == pytest.approx(total / 18, rel=1e-6)
    assert result.accuracy == pytest.approx(correct / 18)


def test_stopping_between_steps_and_going_on_changes_nothing(runtime, tiny_network, batch):
    loss, batches = PGDTraining(eps=8 / 255, steps=2), [batch(seed=seed) for seed in range(4)]
    whole, halves = tiny_network(), tiny_network()
    settings = {"runtime": runtime, "generator_for": stream}
    optimizer = torch.optim.SGD(whole.parameters(), lr=0.1, momentum=0.9)
    expected = train_epoch(whole, optimizer, loss, batches, **settings)
    optimizer, sums = torch.optim.SGD(halves.parameters(), lr=0.1, momentum=0.9), EpochSums()
    train_epoch(halves, optimizer, loss, batches[:2], sums=sums, **settings)
    result = train_epoch(halves, optimizer, loss, batches[2:], first_step=2, sums=sums, **settings)
    assert result == expected
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), halves.state_dict().values()))


def test_reports_each_step(runtime, tiny_network, batch):
    seen = []
    model = tiny_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train_epoch(
        model,
        optimizer,
        Standard(),
        [batch(), batch()],
        runtime=runtime,
        generator_for=stream,
        first_step=5,
        on_step=seen.append,
    )
    assert seen == [5, 6]


def test_a_diverged_training_says_what_to_do(runtime, tiny_network, batch):
    model = tiny_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
    batches = [batch(seed=seed) for seed in range(4)]
    with pytest.raises(InputError, match="use a smaller learning rate"):
        train_epoch(model, optimizer, Standard(), batches, runtime=runtime, generator_for=stream, clip=None)


def test_mixed_precision_trains_every_parameter_with_attacks_on_the_bare_module(tiny_network, batch, generator):
    runtime = Runtime(RuntimeConfig(device="cpu", precision="bf16-mixed"))
    model, kinds = tiny_network(), set()
    model[0].register_forward_hook(lambda module, inputs, output: kinds.add((inputs[0].dtype, output.dtype)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = [parameter.clone() for parameter in model.parameters()]
    loss = PGDTraining(eps=8 / 255, steps=2)
    train_epoch(model, optimizer, loss, [batch()], runtime=runtime, generator_for=lambda step: generator(step))
    assert kinds == {(torch.float32, torch.bfloat16)}
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, model.parameters()))

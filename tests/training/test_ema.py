"""The moving average against its recurrence."""

import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.training.ema import MovingAverage


def test_follows_the_recurrence_for_weights_and_buffers(tiny_network, batch):
    model = tiny_network()
    average = MovingAverage(model, 0.7)
    expected = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images, _ = batch()
    for step in range(1, 5):
        with torch.no_grad():
            model(images)
            for parameter in model.parameters():
                parameter.add_(torch.ones_like(parameter))
        average.update(model)
        decay = min(0.7, (1 + step) / (10 + step))
        for name, tensor in model.state_dict().items():
            old = expected[name]
            expected[name] = decay * old + (1 - decay) * tensor if tensor.is_floating_point() else tensor.clone()
    for name, tensor in average.model.state_dict().items():
        torch.testing.assert_close(tensor, expected[name])
    assert average.model.state_dict()["1.num_batches_tracked"] == 4
    assert not average.model.training


def test_is_restored_exactly(tiny_network):
    model, other = tiny_network(), tiny_network(seed=1)
    average = MovingAverage(model, 0.9)
    average.update(other)
    restored = MovingAverage(tiny_network(seed=2), 0.9)
    restored.load_state_dict(average.state_dict())
    average.update(other)
    restored.update(other)
    for mine, theirs in zip(average.model.state_dict().values(), restored.model.state_dict().values()):
        assert torch.equal(mine, theirs)


def test_refuses_a_decay_of_one(tiny_network):
    with pytest.raises(InputError, match=r"ema: expected a decay between 0 and 1 .* got 1\.0"):
        MovingAverage(tiny_network(), 1.0)

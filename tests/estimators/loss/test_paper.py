"""Eq. 8 and Eq. 9 against slow loops written from the text."""

from typing import get_args

import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.estimators.loss.lstm import Form, LSTMLossEstimator

E, K, S, HIDDEN = 5, 3, 4, 6
FORMS = get_args(Form)


def make(**settings):
    sizes = {"num_edges": E, "num_operations": K, "num_losses": S, "hidden": HIDDEN}
    return LSTMLossEstimator(**{**sizes, "seed": 3, **settings})


def slow_loss_hat(estimator, encoding):
    """Read the rows of H one after another with an LSTM cell written out gate by gate; one head per loss."""
    weight, recurrent = estimator.lstm.weight_ih_l0, estimator.lstm.weight_hh_l0
    bias = estimator.lstm.bias_ih_l0 + estimator.lstm.bias_hh_l0
    hidden, memory = torch.zeros(HIDDEN), torch.zeros(HIDDEN)
    for row in encoding:
        gates = [
            sum(weight[g * HIDDEN + i] @ row for _ in [0]) + recurrent[g * HIDDEN + i] @ hidden + bias[g * HIDDEN + i]
            for g in range(4)
            for i in range(HIDDEN)
        ]
        take, keep, new, show = (torch.stack(gates[g * HIDDEN : (g + 1) * HIDDEN]) for g in range(4))
        memory = torch.sigmoid(keep) * memory + torch.sigmoid(take) * torch.tanh(new)
        hidden = torch.sigmoid(show) * torch.tanh(memory)
    heads = [estimator.heads.weight[i] @ hidden + estimator.heads.bias[i] for i in range(S)]
    return torch.stack(heads)


def test_equation_8_is_an_lstm_over_the_edges_with_one_head_per_loss():
    encodings = torch.rand(3, E, K, generator=torch.Generator().manual_seed(0))
    for form in FORMS:
        estimator = make(form=form)
        slow = torch.stack([slow_loss_hat(estimator, encoding) for encoding in encodings])
        expected = 2 * torch.sigmoid(slow) if form == "released" else slow
        assert torch.allclose(estimator.loss_hat(encodings), expected, atol=1e-6)


def test_equation_9_is_the_sum_over_losses_of_mean_squared_errors():
    generator = torch.Generator().manual_seed(0)
    encodings, losses = torch.rand(7, E, K, generator=generator), torch.rand(7, S, generator=generator)
    estimator = make(form="printed")
    predicted = estimator.loss_hat(encodings).detach()
    slow = sum(sum((predicted[n, i] - losses[n, i]) ** 2 for n in range(7)) / 7 for i in range(S))
    assert torch.allclose(estimator.training_loss(encodings, losses, torch.ones(7)), slow)


def test_the_printed_form_is_fitted_to_the_losses_as_they_stand():
    """One step of Adam on Eq. 9 itself: no scale on the losses, no noise on H, all labels in one batch."""
    generator = torch.Generator().manual_seed(0)
    encodings, losses = torch.rand(7, E, K, generator=generator), 3 + 2 * torch.rand(7, S, generator=generator)
    estimator, slow = make(form="printed", passes=1), make(form="printed")
    estimator.fit(encodings, losses, generator=generator)
    total = sum((slow.loss_hat(encodings)[n, i] - losses[n, i]) ** 2 / 7 for n in range(7) for i in range(S))
    total.backward()
    slow.optimizer.step()
    for name, weight in estimator.network.state_dict().items():
        torch.testing.assert_close(weight, slow.network.state_dict()[name], atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(estimator.predict(encodings).mean, estimator.loss_hat(encodings))


def test_the_released_form_has_1783_weights_and_is_bounded_by_2():
    estimator = LSTMLossEstimator(num_edges=28, num_operations=8, num_losses=7, form="released")
    assert sum(p.numel() for p in estimator.network.parameters()) == 1783
    assert float(estimator.predict(100 * torch.randn(50, 28, 8)).mean.detach().max()) <= 2


def test_only_the_released_form_cannot_reach_losses_above_2():
    encodings = torch.eye(E)[:, :, None].expand(E, E, K).contiguous()
    losses = torch.linspace(3, 5, E)[:, None].expand(E, S).contiguous()
    error = {}
    for form in FORMS:
        estimator = make(form=form, passes=150, learning_rate=2e-2)
        estimator.fit(encodings, losses, generator=torch.Generator().manual_seed(0))
        error[form] = float((estimator.predict(encodings).mean.detach() - losses).abs().max())
    assert max(error["corrected"], error["printed"]) < 1 < error["released"]


def test_the_papers_settings_reach_the_losses_of_a_network_that_knows_nothing():
    """500 passes at the rate of 1e-3 over two labels, the fewest there are: ln 10 = 2.3 for ten classes, and above."""
    losses = torch.tensor([[2.3, 2.6, 3.0, 5.0], [2.4, 2.7, 3.3, 6.0]])
    encodings = torch.rand(2, 28, 8, generator=torch.Generator().manual_seed(1))
    estimator = LSTMLossEstimator(num_edges=28, num_operations=8, num_losses=4, form="printed")
    estimator.fit(encodings, losses, generator=torch.Generator())
    assert float((estimator.predict(encodings).mean.detach() - losses).abs().max()) < 1


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="input_noise: expected a deviation >= 0, got -0.1"):
        make(input_noise=-0.1)


def test_later_fits_take_as_many_passes_as_asked():
    encodings, losses = torch.rand(4, E, K), torch.rand(4, S)
    estimator = make(passes=3, refit_passes=1)
    steps = []
    for _ in range(3):
        estimator.fit(encodings, losses, generator=torch.Generator().manual_seed(0))
        steps.append(int(next(iter(estimator.optimizer.state.values()))["step"]))
    assert steps == [3, 4, 5]

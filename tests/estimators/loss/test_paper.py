"""Eq. 8 and Eq. 9 against slow loops written from the text."""

import torch

from wsrnas.estimators.loss.lstm import LSTMLossEstimator

E, K, S, HIDDEN = 5, 3, 4, 6


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
    for form in ("corrected", "published"):
        estimator = make(form=form)
        slow = torch.stack([slow_loss_hat(estimator, encoding) for encoding in encodings])
        expected = 2 * torch.sigmoid(slow) if form == "published" else slow
        assert torch.allclose(estimator.loss_hat(encodings), expected, atol=1e-6)


def test_equation_9_is_the_sum_over_losses_of_mean_squared_errors():
    generator = torch.Generator().manual_seed(0)
    encodings, losses = torch.rand(7, E, K, generator=generator), torch.rand(7, S, generator=generator)
    estimator = make(form="published")
    predicted = estimator.loss_hat(encodings).detach()
    slow = sum(sum((predicted[n, i] - losses[n, i]) ** 2 for n in range(7)) / 7 for i in range(S))
    assert torch.allclose(estimator.training_loss(encodings, losses, torch.ones(7)), slow)


def test_the_published_form_has_1783_weights_and_is_bounded_by_2():
    estimator = LSTMLossEstimator(num_edges=28, num_operations=8, num_losses=7, form="published")
    assert sum(p.numel() for p in estimator.network.parameters()) == 1783
    assert float(estimator.predict(100 * torch.randn(50, 28, 8)).mean.detach().max()) <= 2


def test_only_the_corrected_form_reaches_losses_above_2():
    encodings = torch.eye(E)[:, :, None].expand(E, E, K).contiguous()
    losses = torch.linspace(3, 5, E)[:, None].expand(E, S).contiguous()
    error = {}
    for form in ("corrected", "published"):
        estimator = make(form=form, passes=60, learning_rate=2e-2)
        estimator.fit(encodings, losses, generator=torch.Generator().manual_seed(0))
        error[form] = float((estimator.predict(encodings).mean.detach() - losses).abs().max())
    assert error["corrected"] < 1 < error["published"]


def test_later_fits_take_as_many_passes_as_asked():
    encodings, losses = torch.rand(4, E, K), torch.rand(4, S)
    estimator = make(passes=3, refit_passes=1)
    steps = []
    for _ in range(3):
        estimator.fit(encodings, losses, generator=torch.Generator().manual_seed(0))
        steps.append(int(next(iter(estimator.optimizer.state.values()))["step"]))
    assert steps == [3, 4, 5]

"""Eq. 10 against a loop, and its constraints."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsrnas.errors import InputError
from wsrnas.search.objective import SearchObjective


@settings(max_examples=30, deadline=None)
@given(
    alpha=st.floats(0.05, 0.95),
    raw=st.lists(st.floats(0.1, 10), min_size=1, max_size=11),
    data=st.data(),
)
def test_eq_10_equals_a_loop_over_strengths(alpha, raw, data):
    total = sum(raw)
    betas = [weight / total for weight in raw]
    losses = [data.draw(st.floats(0, 5)) for _ in range(len(raw) + 1)]
    objective = SearchObjective(clean_weight=alpha, robust_weight=1 - alpha, strength_weights=tuple(betas))
    expected = alpha * losses[0]
    for beta, loss in zip(betas, losses[1:]):
        expected += (1 - alpha) * beta * loss
    assert float(objective(torch.tensor(losses))) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_batch_gives_one_number_each():
    objective = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(1.0,))
    assert torch.allclose(objective(torch.tensor([[1.0, 3.0], [0.0, 2.0]])), torch.tensor([2.0, 1.0]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"clean_weight": 0.9}, r"clean_weight \+ robust_weight: expected a sum of 1, got 1.1; use 0.8182 and 0.1818"),
        ({"robust_weight": 0.0}, "robust_weight: expected a weight > 0, got 0.0"),
        ({"strength_weights": (0.5, 0.4)}, "strength_weights: expected a sum of 1, got 0.9; use 0.5556, 0.4444"),
        ({"strength_weights": (1.2, -0.2)}, "strength_weights: expected one weight > 0 per strength"),
        ({"strength_weights": ()}, "strength_weights: expected one weight > 0 per strength"),
    ],
)
def test_weights_that_are_no_weights_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        SearchObjective(**{"clean_weight": 0.8, "robust_weight": 0.2, "strength_weights": (1.0,), **values})


def test_the_wrong_number_of_losses_is_refused():
    objective = SearchObjective(clean_weight=0.8, robust_weight=0.2, strength_weights=(0.5, 0.5))
    with pytest.raises(InputError, match="losses: expected 3 per architecture, got 2"):
        objective(torch.zeros(2))

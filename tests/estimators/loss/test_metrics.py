"""Rank correlations agree with SciPy, ties included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from wsrnas.errors import InputError
from wsrnas.estimators.loss.metrics import kendall, kendall_per_head, spearman, spearman_per_head

numbers = st.lists(st.integers(0, 5), min_size=4, max_size=30)


@settings(deadline=None, max_examples=30)
@given(numbers, st.integers(0, 1000))
def test_agree_with_scipy(values, seed):
    x = torch.tensor(values).float()
    y = torch.randint(6, (len(values),), generator=torch.Generator().manual_seed(seed)).float()
    if len(set(values)) > 1 and len(set(y.tolist())) > 1:
        assert kendall(x, y) == pytest.approx(kendalltau(x.numpy(), y.numpy()).statistic, abs=1e-9)
        assert spearman(x, y) == pytest.approx(spearmanr(x.numpy(), y.numpy()).statistic, abs=1e-9)


def test_a_constant_ranks_nothing():
    assert kendall(torch.ones(5), torch.arange(5.0)) == 0.0
    assert spearman(torch.ones(5), torch.arange(5.0)) == 0.0


def test_each_head_is_judged_alone():
    measured = torch.arange(10.0)[:, None].expand(10, 2)
    predicted = torch.stack([torch.arange(10.0), -torch.arange(10.0)], dim=1)
    assert kendall_per_head(predicted, measured) == [1.0, -1.0]
    assert spearman_per_head(predicted, measured) == pytest.approx([1.0, -1.0])


def test_refuses_what_cannot_be_ranked():
    with pytest.raises(InputError, match="two vectors of one length"):
        kendall(torch.ones(1), torch.ones(1))

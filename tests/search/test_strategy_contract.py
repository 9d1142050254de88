"""The contract of every search strategy, found by itself, on an evaluator that can also run a mixture."""

import io
import json

import pytest
import torch
from tests.contracts import concrete
from tests.search.known_optimum import AdditiveEvaluator
from wsrnas.search.builders import STRATEGIES

from wsrnas.search.base import Strategy
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.mixture import MixtureStrategy
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.wsr.wsr_nas import WsrNas

QUERIES = 16
OBJECTIVE = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
BUILD = {WsrNas: STRATEGIES["ours"]}
"""Strategies that are more than their budget; all others are built from it."""
FAST = {Pvll: {"passes": 5}}


class Evaluator(AdditiveEvaluator):
    """The expectation of the additive losses under the mixture."""

    def mixture_losses(self, arch_weights, batch):
        return torch.tensor([0.2, 0.5, 0.8, 1.1]) + (arch_weights * self.costs).sum() * torch.tensor(
            [0.05, 0.1, 0.15, 0.2]
        )


@pytest.fixture(params=concrete(Strategy), ids=lambda kind: kind.name)
def kind(request):
    return request.param


def make(kind, seed=0):
    return BUILD.get(kind, kind)(Evaluator(), OBJECTIVE, seed, queries=QUERIES, **FAST.get(kind, {}))


def steps(strategy, until=None):
    records = []
    while strategy.iteration < (strategy.total_iterations if until is None else until):
        before = strategy.iteration
        strategy.step()
        assert strategy.iteration == before + 1
        records.append(json.loads(json.dumps(strategy.record)))
    return records


def test_every_step_says_what_it_did_in_what_json_can_hold(kind):
    strategy = make(kind)
    records = steps(strategy)
    assert len(records) == strategy.total_iterations
    assert {record["phase"] for record in records} <= {"warm up", "build", "search"}
    assert [record["iteration"] for record in records] == list(range(len(records)))
    assert all(torch.tensor(record["losses"]).shape == (4,) for record in records if record.get("losses"))


def test_no_more_is_measured_than_the_budget(kind):
    strategy = make(kind)
    steps(strategy)
    measured = "warm_up" if issubclass(kind, MixtureStrategy) else "measure"
    assert strategy.evaluator.calls[measured] == QUERIES


def test_it_can_name_a_winner_at_any_time(kind):
    strategy = make(kind)
    space = strategy.evaluator.space
    for until in (strategy.total_iterations - 1, strategy.total_iterations):
        steps(strategy, until)
        finalists = strategy.finalists(3)
        assert strategy.result() == finalists[0]
        assert 1 <= len(finalists) == len({space.canonical(genotype) for genotype in finalists}) <= 3
        assert all(len(space.choice(genotype)) == space.num_edges for genotype in finalists)


def test_the_seed_decides_and_nothing_else(kind):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one = steps(make(kind))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert steps(make(kind)) == one
    assert steps(make(kind, seed=1)) != one


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_resuming_is_bit_for_bit_never_stopping(kind, share):
    whole = make(kind)
    first = make(kind)
    steps(first, int(share * first.total_iterations))
    rest = steps(whole)[first.iteration :]
    stored = io.BytesIO()
    torch.save(first.state_dict(), stored)
    stored.seek(0)
    second = make(kind)
    second.load_state_dict(torch.load(stored, weights_only=True))
    assert steps(second) == rest
    assert second.finalists(3) == whole.finalists(3)

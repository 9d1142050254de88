"""The contract of every search strategy, found by itself, on an evaluator that can also run a mixture."""

import io
import json
from dataclasses import asdict

import pytest
import torch
from tests.contracts import concrete
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.parts import PartConfig
from wsrnas.search.base import Budget, Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.wsr.wsr_nas import WsrNas

BUDGET = Budget(population=4, iterations=6)
OBJECTIVE = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
FAST = {Pvll: {"passes": 5}, WsrNas: {"restarts": 1}}


class Evaluator(AdditiveEvaluator):
    """The expectation of the additive losses under the mixture."""

    def __init__(self):
        super().__init__()
        self.calls["mixture"] = 0

    def mixture_losses(self, arch_weights, batch, *, robust):
        self.calls["mixture"] += 1
        total = (arch_weights * self.costs).sum()
        losses = torch.tensor([0.2, 0.5, 0.8, 1.1]) + total * torch.tensor([0.05, 0.1, 0.15, 0.2])
        return losses if robust else losses[:1]


@pytest.fixture(params=concrete(Strategy), ids=lambda kind: kind.name)
def kind(request):
    return request.param


def make(kind, seed=0):
    config = PartConfig(name=f"{kind.__module__}:{kind.__name__}", settings=FAST.get(kind, {}))
    return build_strategy(config, Evaluator(), OBJECTIVE, seed, budget=BUDGET)


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
    assert all(1 <= len(record["losses"]) <= 4 for record in records if record.get("losses"))


def test_it_calls_the_evaluator_as_often_as_it_says_and_no_more_than_the_budget(kind):
    strategy = make(kind)
    steps(strategy)
    assert asdict(strategy.calls) == strategy.evaluator.calls
    assert strategy.calls.measure + strategy.calls.measure_clean in (0, BUDGET.queries)
    assert strategy.calls.warm_up + strategy.calls.measure + strategy.calls.measure_clean == 2 * 4 + 6


def test_it_can_name_a_winner_at_any_time(kind):
    strategy = make(kind)
    space = strategy.evaluator.space
    for until in (strategy.total_iterations - 1, strategy.total_iterations):
        steps(strategy, until)
        finalists = strategy.finalists(3)
        assert strategy.result() == finalists[0]
        assert 1 <= len(finalists) == len({space.canonical(genotype) for genotype in finalists})
        assert len(finalists) == min(3, strategy.most_finalists)
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

"""Every strategy that queries genotypes keeps the promises of its base class; a new one is tested unasked."""

import io

import pytest
import torch
from tests.contracts import concrete
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.errors import InputError
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.strategies.queries import QueryStrategy

QUERIES = 30
OBJECTIVE = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
KINDS = [*concrete(QueryStrategy), Pvll]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request):
    return request.param


def make(kind, seed=0, evaluator=None, **settings):
    fast = {"passes": 5} if kind is Pvll else {}
    evaluator = evaluator or AdditiveEvaluator()
    return kind(evaluator, OBJECTIVE, seed, **{"queries": QUERIES, **fast, **settings})


def finish(strategy):
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
    return strategy


def test_one_query_a_step_and_warm_up_before(kind):
    strategy = finish(make(kind, warm_up=3))
    calls = strategy.evaluator.calls
    clean = QUERIES if kind is Pvll else 0
    assert calls == {"warm_up": 3, "measure": QUERIES - clean, "measure_clean": clean, "remeasure": 0}
    assert (strategy.calls.warm_up, strategy.calls.measure) == (calls["warm_up"], calls["measure"])
    assert (strategy.calls.measure_clean, strategy.calls.remeasure) == (calls["measure_clean"], calls["remeasure"])


def test_no_architecture_is_measured_twice(kind):
    strategy = finish(make(kind))
    if kind is not Pvll:
        keys = [strategy.space.canonical(item.genotype) for item in strategy.measured.values()]
        assert keys == list(strategy.measured)
        assert len(set(keys)) == QUERIES


def test_result_is_a_genotype_of_the_space_at_any_time(kind):
    strategy = make(kind)
    assert len(strategy.space.choice(strategy.result())) == strategy.space.num_edges
    strategy.step()
    assert strategy.finalists(3)[0] == strategy.result()


def test_the_same_seed_gives_the_same_search_and_another_does_not(kind):
    names = [
        [item.get("losses", item.get("clean_loss")) for item in records(make(kind, seed=seed))] for seed in (0, 0, 1)
    ]
    assert names[0] == names[1] != names[2]


def records(strategy):
    found = []
    while strategy.iteration < 12:
        strategy.step()
        found.append(strategy.record)
    return found


@pytest.mark.parametrize("stop", [1, 17, 26])
def test_resuming_is_bit_for_bit_never_stopping(kind, stop):
    whole = finish(make(kind))
    first = make(kind)
    for _ in range(stop):
        first.step()
    stored = io.BytesIO()
    torch.save({"strategy": first.state_dict(), "evaluator": first.evaluator.state_dict()}, stored)
    stored.seek(0)
    state = torch.load(stored, weights_only=True)
    second = make(kind)
    second.load_state_dict(state["strategy"])
    second.evaluator.load_state_dict(state["evaluator"])
    finish(second)
    assert second.result() == whole.result()
    assert second.record == whole.record


def test_refuses_a_budget_of_nothing(kind):
    with pytest.raises(InputError, match="queries: expected at least 1, got 0"):
        make(kind, queries=0)

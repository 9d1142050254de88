"""Algorithm 1 on a space whose best architecture is known, in both presets."""

import io

import pytest
import torch
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.errors import InputError
from wsrnas.search.base import Budget
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.estimator import loss_estimator
from wsrnas.search.wsr.settings import WsrSettings
from wsrnas.search.wsr.wsr_nas import WsrNas

OBJECTIVE = SearchObjective(clean_weight=0.8, robust_weight=0.2, strength_weights=(0.2, 0.3, 0.5))


def ours(evaluator, seed=0, **settings):
    settings = WsrSettings(loss_estimator="ensemble", **settings)
    return WsrNas(evaluator, OBJECTIVE, seed, budget=Budget(population=12, iterations=16), settings=settings)


def paper(evaluator, seed=0, iterations=40):
    settings = WsrSettings(
        design="random",
        sampling="all-edges",
        method="gradient",
        temperature=0.5,
        step_size=0.2,
        loss_estimator="lstm",
        loss_estimator_settings={"passes": 25, "learning_rate": 2e-2},
    )
    return WsrNas(evaluator, OBJECTIVE, seed, budget=Budget(population=16, iterations=iterations), settings=settings)


def run(strategy, until=None):
    while strategy.iteration < (strategy.total_iterations if until is None else until):
        strategy.step()
    return strategy


@pytest.fixture(scope="module")
def finished():
    """A whole search with our settings, which no test changes."""
    evaluator = AdditiveEvaluator()
    return evaluator, run(ours(evaluator))


def test_the_three_loops_call_what_algorithm_1_calls(finished):
    evaluator, strategy = finished
    assert evaluator.calls == {"warm_up": 12, "measure": 12 + 16, "measure_clean": 0, "remeasure": 0}
    assert (strategy.calls.warm_up, strategy.calls.measure, strategy.calls.remeasure) == (12, 28, 0)
    assert strategy.iteration == 12 + 12 + 16
    assert len(strategy.memory) == 28
    assert [label.measured_at for label in strategy.memory.labels] == list(range(12, 40))


def test_the_same_population_is_warmed_up_and_labelled():
    evaluator = AdditiveEvaluator()
    strategy = run(ours(evaluator), until=24)
    assert [label.choice for label in strategy.memory.labels] == [item.choice for item in strategy.population]


@pytest.mark.parametrize("make", [ours, paper])
def test_it_finds_a_far_better_architecture_than_its_population(make, finished):
    evaluator, strategy = finished
    if make is paper:
        evaluator = AdditiveEvaluator()
        strategy = run(paper(evaluator))
    sampled = sorted(float(OBJECTIVE(evaluator.true_losses(item))) for item in strategy.population)
    found = float(OBJECTIVE(evaluator.true_losses(evaluator.space.architecture(strategy.result()))))
    best = 0.05 * 0.8 * evaluator.best_total()
    assert found < sampled[0] or found == pytest.approx(best)
    assert evaluator.total_of(strategy.result()) < evaluator.best_total() + 0.6


@pytest.mark.parametrize("make", [ours, paper])
@pytest.mark.parametrize("stop", [5, 33])
def test_resuming_is_bit_for_bit_never_stopping(make, stop):
    stop = min(stop, 26) if make is ours else stop
    whole = run(make(AdditiveEvaluator()), until=29 if make is ours else 37)
    first = run(make(AdditiveEvaluator()), until=stop)
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    second = make(AdditiveEvaluator())
    second.load_state_dict(torch.load(buffer, weights_only=True))
    run(second, until=whole.iteration)
    assert second.result() == whole.result()
    for one, other in zip(whole.memory.labels, second.memory.labels):
        assert one.choice == other.choice
        assert torch.equal(one.losses, other.losses)
    if make is paper:
        assert torch.equal(whole.chooser.alpha, second.chooser.alpha)


def test_refresh_measures_the_oldest_of_the_best_again():
    evaluator = AdditiveEvaluator()
    strategy = run(ours(evaluator, refresh=2, half_life=10.0))
    assert evaluator.calls["remeasure"] == strategy.calls.remeasure == 2 * 16
    assert sum(label.measured_at >= 24 for label in strategy.memory.labels) > 16


def test_old_labels_count_half_after_the_half_life():
    strategy = run(ours(AdditiveEvaluator(), half_life=4.0), until=24)
    weights = strategy.discounts()
    assert weights.mean() == pytest.approx(1.0)
    assert weights[7] / weights[11] == pytest.approx(0.5)


def test_every_step_says_what_it_did():
    strategy = ours(AdditiveEvaluator())
    strategy.step()
    assert strategy.record["phase"] == "warm up"
    assert strategy.record["losses"] is None
    run(strategy, until=25)
    assert strategy.record["phase"] == "search"
    assert len(strategy.record["predicted"]) == len(strategy.record["losses"]) == 4
    assert strategy.record["losses"] == strategy.memory.labels[-1].losses.tolist()


def test_finalists_are_distinct_and_best_first(finished):
    evaluator, strategy = finished
    finalists = strategy.finalists(5)
    totals = [evaluator.total_of(genotype) for genotype in finalists]
    assert len({genotype.id for genotype in finalists}) == 5
    assert strategy.result() == finalists[0]
    assert totals[0] == min(totals)


def test_psi_is_told_whether_labels_err():
    evaluator = AdditiveEvaluator()
    told = {}
    for exact in (True, False):
        evaluator.exact = exact
        told[exact] = loss_estimator(WsrSettings(live_edges_from=7), evaluator, 0)
    assert (told[True].until, told[False].until) == (7, None)
    assert max(told[True].noises) < 0.56 < max(told[False].noises)  # of labels that keep a correlation of 0.8
    with pytest.raises(InputError, match="live_edges_from"):
        WsrSettings(live_edges_from=0)

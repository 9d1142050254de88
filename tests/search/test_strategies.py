"""What makes each strategy the one its paper describes."""

import pytest
import torch
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.errors import InputError
from wsrnas.parts import PartConfig
from wsrnas.search.base import Budget
from wsrnas.search.build import STRATEGIES, build_strategy
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.darts import Darts
from wsrnas.search.strategies.evolution import RegularisedEvolution
from wsrnas.search.strategies.local_search import LocalSearch
from wsrnas.search.strategies.naive_gradient import NaiveGradient
from wsrnas.search.strategies.q_learning import QLearning
from wsrnas.search.strategies.queries import PATIENCE
from wsrnas.search.strategies.random_search import RandomSearch

OBJECTIVE = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))


def run(kind, queries, seed=0, **settings):
    strategy = kind(AdditiveEvaluator(), OBJECTIVE, seed, queries=queries, **settings)
    for _ in range(queries):
        strategy.step()
    return strategy


def gap(strategy):
    return strategy.evaluator.total_of(strategy.result()) - strategy.evaluator.best_total()


@pytest.mark.parametrize("kind", [RegularisedEvolution, LocalSearch])
def test_what_learns_from_measurements_beats_what_does_not(kind):
    settings = {"population": 20, "sample": 5} if kind is RegularisedEvolution else {}
    assert gap(run(kind, 150, **settings)) < gap(run(RandomSearch, 150))


def test_evolution_lets_the_oldest_die_not_the_worst():
    strategy = run(RegularisedEvolution, 40, population=10, sample=5)
    order = list(strategy.measured.values())
    assert len(strategy.queue) == 10
    assert strategy.queue[-1].value == order[-1].value


def test_local_search_never_leaves_the_neighbourhood_before_it_is_exhausted():
    strategy = run(LocalSearch, 10)
    first, *others = [item.genotype for item in strategy.measured.values()]
    assert set(others) <= set(strategy.space.neighbours(first))


def test_epsilon_falls_from_one_to_a_tenth_over_the_budget():
    strategy = QLearning(AdditiveEvaluator(), OBJECTIVE, 0, queries=270)
    seen = []
    for strategy.iteration in (0, 149, 151, 200, 269):
        seen.append(round(strategy.epsilon, 1))
    assert seen == [1.0, 1.0, 0.9, 0.6, 0.1]


def test_q_values_follow_the_bellman_update():
    strategy = QLearning(AdditiveEvaluator(), OBJECTIVE, 0, queries=5, learning_rate=0.5, replays=0)
    walk = (1, 2, 0, 3, 4, 1)
    strategy._learn([(walk, 0.9)])
    assert float(strategy.q[5, 4, 1]) == pytest.approx(0.5 + 0.5 * (0.9 - 0.5))
    assert float(strategy.q[4, 3, 4]) == pytest.approx(0.5 + 0.5 * (0.7 - 0.5))
    assert float(strategy.q[0, 5, 0]) == 0.5


def test_a_search_that_only_names_known_architectures_still_ends():
    strategy = run(RandomSearch, 3)
    known = next(iter(strategy.measured.values())).genotype
    strategy.name_next = lambda generator: known  # type: ignore[method-assign]
    asked = []
    strategy.observe = asked.append  # type: ignore[method-assign]
    strategy.step()
    assert len(strategy.measured) == 4
    assert len(asked) == PATIENCE + 1


class MixtureOnLine(AdditiveEvaluator):
    """Losses of a mixture are the expectation of the additive ones; clean wants operation 1, the others 3."""

    def mixture_losses(self, arch_weights, batch, *, robust):
        clean, attacked = 1 - arch_weights[:, 1].mean(), 1 - arch_weights[:, 3].mean()
        return torch.stack([clean, attacked, attacked, attacked]) if robust else clean[None]


@pytest.mark.parametrize(("kind", "operation"), [(Darts, 1), (NaiveGradient, 3)])
def test_back_propagation_descends_its_own_objective(kind, operation):
    robust = SearchObjective(clean_weight=0.1, robust_weight=0.9, strength_weights=(0.2, 0.3, 0.5))
    strategy = kind(MixtureOnLine(), robust, 0, queries=6, warm_up=2, step_size=0.1)
    for _ in range(strategy.total_iterations):
        strategy.step()
    assert strategy.space.choice(strategy.result()) == (operation,) * 6
    assert strategy.evaluator.calls["warm_up"] == 8
    other = kind(MixtureOnLine(), robust, 0, queries=6)
    other.load_state_dict(strategy.state_dict())
    assert torch.equal(other.alpha, strategy.alpha)


@pytest.mark.parametrize("kind", [Darts, NaiveGradient])
def test_a_table_cannot_serve_back_propagation(kind):
    with pytest.raises(InputError, match="back-propagates through a super-network"):
        kind(AdditiveEvaluator(), OBJECTIVE, 0, queries=5)


def built(name, evaluator=None, **settings):
    config = PartConfig(name=name, settings=settings)
    budget = Budget(population=4, iterations=3)
    return build_strategy(config, evaluator or AdditiveEvaluator(), OBJECTIVE, 0, budget=budget)


def test_every_strategy_is_built_by_name_within_the_same_budget():
    for name in ("wsr-nas", "random", "evolution", "local-search", "q-learning", "pvll"):
        calls = built(name).calls
        assert (calls.warm_up, calls.measure + calls.measure_clean) == (4, 7), name
    assert {"darts", "naive-gradient"} < set(STRATEGIES.names())


def test_where_there_are_no_weights_nothing_is_warmed_up():
    evaluator = AdditiveEvaluator()
    evaluator.warms_up = False
    assert built("evolution", evaluator).calls.warm_up == 0


def test_a_strategy_takes_its_own_settings_and_refuses_others():
    assert built("evolution", sample=3).sample == 3
    assert built("wsr-nas", exploration=0.5).settings.exploration == 0.5
    with pytest.raises(InputError, match=r"strategy\.settings\.exploration: expected a setting of 'evolution'"):
        built("evolution", exploration=0.5)
    with pytest.raises(InputError, match=r"strategy\.settings\.sampel: .*did you mean 'sample'"):
        built("evolution", sampel=3)
    with pytest.raises(InputError, match="did you mean 'evolution'"):
        built("evolutoin")

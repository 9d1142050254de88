"""The one constructor of every search strategy, for a user's search, a bench and a study alike."""

from __future__ import annotations

from contextlib import nullcontext

from wsrnas.parts import PartConfig, Parts
from wsrnas.search.base import Budget, Evaluator, Strategy, Timer
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.darts import Darts
from wsrnas.search.strategies.evolution import RegularisedEvolution
from wsrnas.search.strategies.local_search import LocalSearch
from wsrnas.search.strategies.naive_gradient import NaiveGradient
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.strategies.q_learning import QLearning
from wsrnas.search.strategies.random_search import RandomSearch
from wsrnas.search.wsr.wsr_nas import WsrNas

STRATEGIES: Parts[Strategy] = Parts(
    Strategy,
    "strategies",
    [
        (kind.name, kind)
        for kind in (
            WsrNas,
            RandomSearch,
            RegularisedEvolution,
            LocalSearch,
            QLearning,
            Pvll,
            Darts,
            NaiveGradient,
        )
    ],
)
HANDED_OVER = ("evaluator", "objective", "seed", "budget", "queries", "warm_up", "timer")
"""What a strategy is given besides its own settings."""


def check_strategy(config: PartConfig) -> None:
    """Refuse an unknown strategy, or settings that it does not have."""
    STRATEGIES.check(config, argument="strategy", given=HANDED_OVER)


def build_strategy(
    config: PartConfig,
    evaluator: Evaluator,
    objective: SearchObjective,
    seed: int,
    *,
    budget: Budget,
    timer: Timer = lambda phase: nullcontext(),
) -> Strategy:
    """Return a search, not started. Every strategy has the same warm-up, N, and measures the same N+T architectures.

    Raises:
        InputError: an unknown name (suggests the nearest), or settings that the strategy does not have.
    """
    return STRATEGIES.build(
        config,
        argument="strategy",
        evaluator=evaluator,
        objective=objective,
        seed=seed,
        budget=budget,
        queries=budget.queries,
        warm_up=budget.population if evaluator.warms_up else 0,
        timer=timer,
    )

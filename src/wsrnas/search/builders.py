"""Search strategies by name."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Protocol, runtime_checkable

from wsrnas.errors import nearest, refuse
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.estimators.loss.lstm import LSTMLossEstimator
from wsrnas.search.base import Evaluator, Strategy
from wsrnas.search.config import ChooseConfig
from wsrnas.search.evaluators.released import ReleasedLabels, SquaredObjective
from wsrnas.search.objective import SearchObjective
from wsrnas.search.setup import estimator_sizes, path_features
from wsrnas.search.strategies.darts import Darts
from wsrnas.search.strategies.evolution import RegularisedEvolution
from wsrnas.search.strategies.local_search import LocalSearch
from wsrnas.search.strategies.naive_gradient import NaiveGradient
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.strategies.q_learning import QLearning
from wsrnas.search.strategies.random_search import RandomSearch
from wsrnas.search.wsr.choose import Chooser, GradientChooser, ProposingChooser
from wsrnas.search.wsr.gradient_update import PAPER_LEARNING_RATE
from wsrnas.search.wsr.propose import ProposeSettings
from wsrnas.search.wsr.wsr_nas import WsrNas


@runtime_checkable
class MakeStrategy(Protocol):
    """A strategy with a budget of `queries` architectures."""

    def __call__(self, evaluator: Evaluator, objective: SearchObjective, seed: int, *, queries: int) -> Strategy:
        """Return it, not started."""


def ours(
    evaluator: Evaluator,
    objective: SearchObjective,
    seed: int,
    *,
    queries: int,
    propose: ProposeSettings | None = None,
    refresh: int = 0,
    half_life: float | None = None,
) -> Strategy:
    """Return Wsr-NAS, preset ours: a Gaussian process ψ proposes; `refresh` and `half_life` as in `ChooseConfig`.

    Exact labels are believed; of noisy ones the process makes what it thinks right.
    """
    population = max(1, min(20, queries // 2))
    space = evaluator.space
    return WsrNas(
        evaluator,
        objective,
        seed,
        estimator=GaussianProcessLossEstimator(
            **estimator_sizes(evaluator.space, len(evaluator.strengths), seed),
            paths=path_features(space),
            until=queries // 4,
        ),
        chooser=ProposingChooser(
            space, objective, seed, settings=replace(propose or ProposeSettings(), trust=float(evaluator.exact))
        ),
        settings=ChooseConfig(
            population=population, iterations=queries - population, refresh=refresh, half_life=half_life
        ),
        memory=queries,
    )


def paper(
    evaluator: Evaluator,
    objective: SearchObjective,
    seed: int,
    *,
    queries: int,
    step_size: float = PAPER_LEARNING_RATE,
    refit_passes: int | None = None,
    released: bool = False,
) -> Strategy:
    """Return Wsr-NAS, preset paper: half the budget is the population N, the other half the T updates of A.

    `released=True` repeats three slips of the released code: robust losses 64 times too small in M_v, an objective of
    squares, and a ψ that cannot predict losses above 2.
    """
    if released:
        evaluator = ReleasedLabels(evaluator)
        objective = SquaredObjective(**asdict(objective))
    sizes = estimator_sizes(evaluator.space, len(evaluator.strengths), seed)
    population = max(1, queries // 2)
    settings = ChooseConfig(
        population=population, iterations=queries - population, design="random", sampling="all-edges", method="gradient"
    )
    chooser: Chooser = GradientChooser(
        evaluator.space, objective, seed, temperature=settings.temperature, step_size=step_size
    )
    return WsrNas(
        evaluator,
        objective,
        seed,
        estimator=LSTMLossEstimator(**sizes, form="released" if released else "printed", refit_passes=refit_passes),
        chooser=chooser,
        settings=settings,
        memory=100,
    )


STRATEGIES: dict[str, MakeStrategy] = {
    "ours": ours,
    "wsr-paper": paper,
    "random": RandomSearch,
    "evolution": RegularisedEvolution,
    "local-search": LocalSearch,
    "q-learning": QLearning,
    "pvll": Pvll,
    "darts": Darts,
    "naive-gradient": NaiveGradient,
}
NEED_SUPER_NETWORK = ("darts", "naive-gradient")
"""They back-propagate through all operations at once."""


def get_strategy(name: str) -> MakeStrategy:
    """Return the constructor of that name.

    Raises:
        InputError: no such strategy; suggests the nearest.
    """
    if name not in STRATEGIES:
        remedy = nearest(name, tuple(STRATEGIES))
        refuse("strategy", expected="a search strategy", got=repr(name), remedy=remedy)
    return STRATEGIES[name]

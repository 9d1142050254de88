"""The strategies a table can serve, at the settings they are compared with."""

from __future__ import annotations

from functools import partial

from wsrnas.errors import nearest, refuse
from wsrnas.search.base import Evaluator, Strategy
from wsrnas.search.builders import NEED_SUPER_NETWORK, STRATEGIES, MakeStrategy, paper
from wsrnas.search.builders import ours as registry_ours
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.wsr.gradient_update import RELEASED_LEARNING_RATE
from wsrnas.search.wsr.propose import ProposeSettings

REFIT_PASSES = 5
"""K_v of every fit of an LSTM after the first 500: its weights go on from fit to fit, and 500 a time take minutes."""

DEFAULT = ("ours", "wsr-paper", "random", "evolution", "local-search", "q-learning", "pvll")


def pvll(evaluator: Evaluator, objective: SearchObjective, seed: int, *, queries: int) -> Strategy:
    """Return PVLL with short refits."""
    return Pvll(evaluator, objective, seed, queries=queries, refit_passes=REFIT_PASSES)


def ours(
    evaluator: Evaluator,
    objective: SearchObjective,
    seed: int,
    *,
    queries: int,
    refresh: int = 0,
    forget: bool = False,
) -> Strategy:
    """Return ours without descents: uniform samples cover so small a space, and descents take half of the time.

    `refresh` labels are measured again per query, which no query is charged for; with `forget` a label counts half
    after a quarter of the budget.
    """
    half_life = queries / 4 if forget else None
    settings = ProposeSettings(restarts=0)
    return registry_ours(
        evaluator, objective, seed, queries=queries, propose=settings, refresh=refresh, half_life=half_life
    )


ON_TABLE: dict[str, MakeStrategy] = {
    **{name: make for name, make in STRATEGIES.items() if name not in NEED_SUPER_NETWORK},
    "ours": ours,
    "ours-refresh": partial(ours, refresh=1),
    "ours-forget": partial(ours, forget=True),
    "wsr-paper": partial(paper, refit_passes=REFIT_PASSES),
    "wsr-released": partial(paper, refit_passes=REFIT_PASSES, step_size=RELEASED_LEARNING_RATE, released=True),
    "pvll": pvll,
}


def get_table_strategy(name: str) -> MakeStrategy:
    """Return the constructor of that name.

    Raises:
        InputError: no such strategy, or one that needs a super-network.
    """
    if name in NEED_SUPER_NETWORK:
        remedy = f"leave {name!r} out: it back-propagates through a super-network"
        refuse("--strategies", expected="strategies that a table can serve", got=name, remedy=remedy)
    if name not in ON_TABLE:
        refuse("--strategies", expected="known names", got=repr(name), remedy=nearest(name, tuple(ON_TABLE)))
    return ON_TABLE[name]

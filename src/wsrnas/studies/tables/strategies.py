"""The searches a table can serve, by name: each a strategy with what is set of it, built as a user's search is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from wsrnas import recipes
from wsrnas.errors import nearest, refuse
from wsrnas.parts import PartConfig
from wsrnas.search.base import Budget, Evaluator, Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.evaluators.released import ReleasedLabels, SquaredObjective
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.gradient_update import RELEASED_LEARNING_RATE

REFIT_PASSES = 5
"""K_v of every fit of an LSTM after the first 500: its weights go on from fit to fit, and 500 a time take minutes."""
SHORT_REFITS = {"refit_passes": REFIT_PASSES}

DEFAULT = ("ours", "wsr-paper", "random", "evolution", "local-search", "q-learning", "pvll")
NEED_SUPER_NETWORK = ("darts", "naive-gradient")
"""They back-propagate through all operations at once."""


@dataclass(frozen=True, kw_only=True)
class TableSearch:
    """A search as it is compared: a preset or a strategy, and what differs from it on a table.

    `preset` names the preset whose settings of `wsr-nas` come first; None: the strategy of that name at its defaults.
    `population` is the share of the budget that is N, at most `most_population`. `released` repeats two slips of the
    released code: robust losses 64 times too small, and an objective of squares.
    """

    strategy: str
    preset: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    population: float = 0.5
    most_population: int | None = None
    half_life: float | None = None
    released: bool = False

    def config(self, queries: int) -> PartConfig:
        """Return the strategy with its settings for a budget of so many architectures."""
        preset = {} if self.preset is None else recipes.PRESETS[self.preset].get("strategy", {}).get("settings", {})
        settings = {**preset, **self.overrides}
        if self.half_life is not None:
            settings["half_life"] = self.half_life * queries
        return PartConfig(name=self.strategy, settings=settings)

    def budget(self, queries: int) -> Budget:
        """Return how N and T divide the budget."""
        population = max(1, int(self.population * queries))
        if self.most_population is not None:
            population = min(population, self.most_population)
        return Budget(population=population, iterations=queries - population)

    def build(self, evaluator: Evaluator, objective: SearchObjective, seed: int, *, queries: int) -> Strategy:
        """Return the search, not started."""
        if self.released:
            evaluator, objective = ReleasedLabels(evaluator), SquaredObjective(**asdict(objective))
        return build_strategy(self.config(queries), evaluator, objective, seed, budget=self.budget(queries))

    def differs(self) -> str:
        """Return in words what differs from the preset or from the strategy's defaults."""
        told = [f"{key}={value}" for key, value in self.overrides.items()]
        if self.half_life is not None:
            told.append(f"half_life={self.half_life:g} of the budget")
        if self.released:
            told.append("slips of the released code")
        return ", ".join(told)


def _ours(**changes: Any) -> TableSearch:
    return TableSearch(strategy="wsr-nas", preset="ours", most_population=8, **changes)


ON_TABLE: dict[str, TableSearch] = {
    "ours": _ours(),
    "ours-refresh": _ours(overrides={"refresh": 1}),
    "ours-forget": _ours(half_life=0.25),
    "wsr-paper": TableSearch(
        strategy="wsr-nas",
        preset="paper",
        overrides={"loss_estimator_settings": {"form": "printed", **SHORT_REFITS}},
    ),
    "wsr-released": TableSearch(
        strategy="wsr-nas",
        preset="paper",
        overrides={
            "loss_estimator_settings": {"form": "released", **SHORT_REFITS},
            "step_size": RELEASED_LEARNING_RATE,
        },
        released=True,
    ),
    "random": TableSearch(strategy="random"),
    "evolution": TableSearch(strategy="evolution"),
    "local-search": TableSearch(strategy="local-search"),
    "q-learning": TableSearch(strategy="q-learning"),
    "pvll": TableSearch(strategy="pvll", overrides={"refit_passes": REFIT_PASSES}),
}


def get_table_strategy(name: str) -> TableSearch:
    """Return the search of that name.

    Raises:
        InputError: no such search, or one that needs a super-network.
    """
    if name in NEED_SUPER_NETWORK:
        remedy = f"leave {name!r} out: it back-propagates through a super-network"
        refuse("--strategies", expected="strategies that a table can serve", got=name, remedy=remedy)
    if name not in ON_TABLE:
        refuse("--strategies", expected="known names", got=repr(name), remedy=nearest(name, tuple(ON_TABLE)))
    return ON_TABLE[name]

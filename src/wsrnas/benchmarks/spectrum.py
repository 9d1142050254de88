"""Does a wide spectrum help? Search by few or many strengths, judge over all of them, at equal cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from wsrnas.benchmarks.comparison import bootstrap_interval
from wsrnas.benchmarks.objectives import NEGLIGIBLE, get_objective
from wsrnas.benchmarks.robustness_table import RobustnessTable, load_table
from wsrnas.benchmarks.strategies import get_table_strategy
from wsrnas.benchmarks.trial import regret_curve
from wsrnas.search.objective import SearchObjective

JUDGES = ("wide", "joint", "apgd")
PASSES = 15
"""Network passes per image of one strength: seven PGD steps, forward and backward, and the measurement."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a search looks at: the clean loss with `clean_weight`, and the strengths at these places, all alike."""

    name: str
    clean_weight: float
    places: tuple[int, ...]

    def narrowed(self, table: RobustnessTable) -> tuple[RobustnessTable, SearchObjective]:
        """Return the table with only these strengths, and the objective over them."""
        columns = [0, *(place + 1 for place in self.places)]
        count = len(self.places)
        narrow = RobustnessTable(
            dataset=table.dataset,
            attack=table.attack,
            space=table.space,
            rows=table.rows,
            losses=table.losses[:, columns],
            strengths=table.strengths[list(self.places)],
            published=table.published,
        )
        weights = tuple(1 / count for _ in self.places)
        robust = 1 - self.clean_weight
        return narrow, SearchObjective(clean_weight=self.clean_weight, robust_weight=robust, strength_weights=weights)

    @property
    def passes(self) -> int:
        """Return the network passes per image of one measurement."""
        attacked = len(self.places) if self.clean_weight < 1 - 2 * NEGLIGIBLE else 0
        return 1 + PASSES * attacked


def selections(clean_weight: float) -> list[Selection]:
    """Return clean only, each strength alone, three, six and all seven, with that share of the clean loss."""
    robust: list[tuple[tuple[int, ...], str]] = [((place,), f"only strength {place + 1}") for place in range(7)]
    robust += [((0, 3, 6), "strengths 1,4,7"), ((1, 2, 3), "strengths 2,3,4"), (tuple(range(6)), "strengths 1-6")]
    robust += [(tuple(range(7)), "all seven")]
    clean = Selection(name="clean only", clean_weight=1 - NEGLIGIBLE, places=(0,))
    return [clean, *(Selection(name=name, clean_weight=clean_weight, places=places) for places, name in robust)]


def run(
    data: str | Path, *, queries: int = 200, seeds: int = 10, strategy: str = "random", equal_cost: bool = False
) -> list[dict[str, Any]]:
    """Return, for each selection and judge, mean regret in points and its 95 % interval over seeds.

    With `equal_cost`, `queries` measurements of all seven strengths set the cost; cheaper selections get more of them,
    as many as the table allows.
    """
    table = load_table(data, attack="pgd")
    values = {}
    for judge in JUDGES:
        judged = table if judge != "apgd" else load_table(data, attack="apgd")
        values[judge] = get_objective(judge).over(len(judged.strengths))(judged.losses)
    rows = []
    for judge in JUDGES:
        clean_weight = 0.5 if judge == "joint" else NEGLIGIBLE
        full = selections(clean_weight)[-1].passes
        for selection in selections(clean_weight):
            budget = min(queries * full // selection.passes, len(table)) if equal_cost else queries
            narrow, objective = selection.narrowed(table)
            trial = partial(regret_curve, narrow, objective, get_table_strategy(strategy), judge=values[judge])
            final = torch.stack([trial(queries=budget, seed=seed)[-1] for seed in range(seeds)])
            low, high = bootstrap_interval(final)
            row = {"judge": judge, "selection": selection.name, "queries": budget, "regret": float(final.mean())}
            rows.append({**row, "low": low, "high": high})
    return rows

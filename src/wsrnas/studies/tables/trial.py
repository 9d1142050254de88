"""One strategy, one seed, one table: the regret of what it would return after each query."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.search.base import Evaluator, Strategy
from wsrnas.search.evaluators.table import TableEvaluator
from wsrnas.search.objective import SearchObjective
from wsrnas.studies.tables.label_noise import label_error
from wsrnas.studies.tables.robustness_table import RobustnessTable


@runtime_checkable
class Buildable(Protocol):
    """What makes a search for a budget of `queries` architectures, such as a `TableSearch`."""

    def build(self, evaluator: Evaluator, objective: SearchObjective, seed: int, *, queries: int) -> Strategy:
        """Return the search, not started."""


def regret_curve(
    table: RobustnessTable,
    objective: SearchObjective,
    search: Buildable,
    *,
    queries: int,
    seed: int,
    judge: Float[Tensor, "A"] | None = None,
    label_noise: float | None = None,
    label_ageing: tuple[float, float] | None = None,
) -> Float[Tensor, "queries"]:
    """Run one search; entry q−1 is the regret, in percentage points, of its result after q distinct architectures.

    The search sees `objective` on the table's losses, with the label error asked for; it is judged by the true values
    `judge` (A,), lower is better, by default those of the objective itself, against the best that it may ask for. A
    strategy that asks for known
    architectures takes longer but is not charged; it is stopped where it has used its steps.

    Raises:
        InputError: a budget larger than the table.
    """
    table.check_budget(queries)
    error = None if label_noise is None else label_error(table.losses, objective, label_noise, seed)
    evaluator = TableEvaluator(table.space, table.rows, table.losses, table.strengths, error=error, ageing=label_ageing)
    truth = objective(table.losses) if judge is None else judge
    regrets = 100 * (truth - truth[table.kept].min())
    strategy = search.build(evaluator, objective, seed, queries=queries)
    curve = torch.full((queries,), float("nan"))
    for _ in range(strategy.total_iterations):
        strategy.step()
        if evaluator.queries and (evaluator.queries <= queries):
            curve[evaluator.queries - 1] = regrets[evaluator.row(table.space.architecture(strategy.result()))]
    for place in range(1, queries):
        if torch.isnan(curve[place]):
            curve[place] = curve[place - 1]
    return curve

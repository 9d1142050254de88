"""Does a wide spectrum help? Search by few or many strengths, judge over all of them, at equal cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from rich.console import Console
from rich.table import Table
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.files import check_writable, write_json
from wsrnas.search.objective import SearchObjective
from wsrnas.studies.tables.comparison import bootstrap_interval
from wsrnas.studies.tables.objectives import NEGLIGIBLE, get_objective
from wsrnas.studies.tables.robustness_table import RobustnessTable, load_table

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
        narrow = replace(table, losses=table.losses[:, columns], strengths=table.strengths[list(self.places)])
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
    data: str | Path,
    *,
    dataset: str = "cifar10",
    queries: int = 100,
    seeds: int = 30,
    equal_cost: bool = False,
    json_path: str | Path | None = None,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Let random search select by some strengths and judge it by all; print a table, return its rows.

    Every row is a selection under a judge: mean regret in points and its 95 % bootstrap interval over seeds. With
    `equal_cost`, `queries` measurements of all seven strengths set the cost; cheaper selections get more of them, as
    many as the table allows.

    Raises:
        InputError: not such a table, fewer than one seed, or a budget larger than the table.
    """
    check_writable(json_path, argument="--json")
    table = load_table(data, dataset=dataset, attack="pgd")
    if seeds < 1:
        refuse("--seeds", expected="at least 1", got=seeds)
    table.check_budget(queries)
    orders = [_random_order(table, seed) for seed in range(seeds)]
    rows = []
    for judge in JUDGES:
        judged = table if judge != "apgd" else load_table(data, dataset=dataset, attack="apgd")
        truth = get_objective(judge).over(len(judged.strengths))(judged.losses)
        clean_weight = 0.5 if judge == "joint" else NEGLIGIBLE
        known = selections(clean_weight)
        for selection in known:
            budget = min(queries * known[-1].passes // selection.passes, len(table)) if equal_cost else queries
            narrow, objective = selection.narrowed(table)
            values = objective(narrow.losses)
            chosen = torch.stack([order[:budget][values[order[:budget]].argmin()] for order in orders])
            regret = 100 * (truth[chosen] - truth.min())
            low, high = bootstrap_interval(regret)
            row = {"judge": judge, "selection": selection.name, "queries": budget, "regret": float(regret.mean())}
            rows.append({**row, "low": low, "high": high})
    if not quiet:
        _print(rows, seeds)
    if json_path is not None:
        content = {"dataset": dataset, "seeds": seeds, "equal_cost": equal_cost, "rows": rows}
        write_json(Path(json_path), content)
    return rows


def _random_order(table: RobustnessTable, seed: int) -> Int[Tensor, "A"]:
    """Return the table's rows in the order random search meets them: genotypes uniformly, each row once."""
    choices = sorted(table.rows)
    order = torch.randperm(len(choices), generator=rng.stream(seed, "spectrum")).tolist()
    return torch.tensor(list(dict.fromkeys(table.rows[choices[place]] for place in order)))


def _print(rows: list[dict[str, Any]], seeds: int) -> None:
    shown = Table(title=f"regret in points of what random search selects, mean of {seeds} seeds (95 % interval)")
    shown.add_column("selected by")
    shown.add_column("queries", justify="right")
    for judge in JUDGES:
        shown.add_column(judge, justify="right")
    for first in [row for row in rows if row["judge"] == JUDGES[0]]:
        same = [row for row in rows if row["selection"] == first["selection"]]
        cells = (f"{row['regret']:.2f} ({row['low']:.2f}-{row['high']:.2f})" for row in same)
        shown.add_row(first["selection"], str(first["queries"]), *cells)
    Console().print(shown)

"""`wsrnas bench nb201`: every search strategy on the published robustness table of NAS-Bench-201."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsrnas.studies.tables.objectives import get_objective
from wsrnas.studies.tables.robustness_table import load_table
from wsrnas.studies.tables.runs import Task, compare_on


def task(data: str, dataset: str, objective: str) -> Task:
    """Return the table and Eq. 10 over the strengths of the objective's attack."""
    wanted = get_objective(objective)
    table = load_table(data, dataset=dataset, attack=wanted.attack)
    return Task(table, wanted.over(len(table.strengths)))


def run(data: str | Path, *, queries: int = 200, **how: Any) -> dict[str, Any]:
    """Compare strategies; print a table; return what `--json` writes.

    Args:
        data: folder of the published table (`meta.json` and a folder per data set).
        queries: budget in distinct, non-isomorphic architectures.
        how: everything else, see `compare_on`. `dataset` is one of these folders. `objective` is
            wide, joint, paper, apgd or square.

    Raises:
        InputError: not such a table, files missing, an unknown name, or a budget or limit that the table cannot serve.
    """
    return compare_on(task, data, queries=queries, **how)

"""`wsrnas bench robbench`: every search strategy on the published table of networks trained adversarially."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsrnas.studies.tables.objectives import ROBBENCH_OBJECTIVES, get_objective
from wsrnas.studies.tables.robbench_table import load_robbench
from wsrnas.studies.tables.runs import Task, compare_on


def task(data: str, dataset: str, objective: str) -> Task:
    """Return the table and Eq. 10 over the strengths of the objective's attack."""
    wanted = get_objective(objective, ROBBENCH_OBJECTIVES)
    table = load_robbench(data, dataset=dataset, attack=wanted.attack)
    return Task(table, wanted.over(len(table.strengths)))


def run(data: str | Path, *, queries: int = 100, **how: Any) -> dict[str, Any]:
    """Compare strategies; print a table; return what `--json` writes.

    Args:
        data: folder of the published table (`NAS-RobBench-201_html.json` and `ops.json`).
        queries: budget in distinct, non-isomorphic architectures.
        how: everything else, see `compare_on`. `dataset` is cifar10, cifar100 or imagenet, where the file has its
            columns. `objective` is wide (mean of clean, PGD 3/255 and 8/255), joint (half clean, half the mean of the
            two PGD) or autoattack (8/255).

    Raises:
        InputError: not such a table, damaged files, an unknown name, or a budget or limit that the table cannot serve.
    """
    return compare_on(task, data, queries=queries, **how)

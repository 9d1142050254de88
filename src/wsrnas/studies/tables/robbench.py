"""`wsrnas bench robbench`: every search strategy on the published table of networks trained adversarially."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsrnas.studies.tables.objectives import ROBBENCH_OBJECTIVES, get_objective
from wsrnas.studies.tables.robbench_table import load_robbench
from wsrnas.studies.tables.runs import Setting, Task, compare


def task(data: str, dataset: str, objective: str) -> Task:
    """Return the table and Eq. 10 over the strengths of the objective's attack."""
    wanted = get_objective(objective, ROBBENCH_OBJECTIVES)
    table = load_robbench(data, dataset=dataset, attack=wanted.attack)
    return Task(table, wanted.over(len(table.strengths)))


def run(
    data: str | Path,
    *,
    dataset: str = "cifar10",
    objective: str = "wide",
    queries: int = 100,
    label_noise: float | None = None,
    label_ageing: tuple[float, float] | None = None,
    max_params: int | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Compare strategies; print a table; return what `--json` writes.

    Args:
        data: folder of the published table (`NAS-RobBench-201_html.json` and `ops.json`).
        dataset: cifar10, cifar100 or imagenet, where the file has its columns.
        objective: wide (mean of clean, PGD 3/255 and 8/255), joint (half clean, half the mean of the two PGD) or
            autoattack (8/255).
        queries: budget in distinct, non-isomorphic architectures.
        label_noise: see `Setting`.
        label_ageing: see `Setting`.
        max_params: largest network that may be asked for.
        how: seeds, strategies, processes and where results go, see `compare`.

    Raises:
        InputError: not such a table, damaged files, an unknown name, or a budget or limit that the table cannot serve.
    """
    setting = Setting(
        load=task,
        data=str(data),
        dataset=dataset,
        objective=objective,
        queries=queries,
        label_noise=label_noise,
        label_ageing=label_ageing,
        most_parameters=max_params,
    )
    return compare(setting, **how)

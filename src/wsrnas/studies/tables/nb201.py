"""`wsrnas bench nb201`: every search strategy on the published robustness table of NAS-Bench-201."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsrnas.studies.tables.objectives import get_objective
from wsrnas.studies.tables.robustness_table import load_table
from wsrnas.studies.tables.runs import Setting, Task, compare


def task(data: str, dataset: str, objective: str) -> Task:
    """Return the table and Eq. 10 over the strengths of the objective's attack."""
    wanted = get_objective(objective)
    table = load_table(data, dataset=dataset, attack=wanted.attack)
    return Task(table, wanted.over(len(table.strengths)))


def run(
    data: str | Path,
    *,
    dataset: str = "cifar10",
    objective: str = "wide",
    queries: int = 200,
    label_noise: float | None = None,
    label_ageing: tuple[float, float] | None = None,
    max_params: int | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Compare strategies; print a table; return what `--json` writes.

    Args:
        data: folder of the published table (`meta.json` and a folder per data set).
        dataset: one of these folders.
        objective: wide, joint, paper, apgd or square.
        queries: budget in distinct, non-isomorphic architectures.
        label_noise: see `Setting`.
        label_ageing: see `Setting`.
        max_params: largest network that may be asked for.
        how: seeds, strategies, processes and where results go, see `compare`.

    Raises:
        InputError: not such a table, files missing, an unknown name, or a budget or limit that the table cannot serve.
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

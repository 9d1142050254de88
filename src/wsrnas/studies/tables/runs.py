"""Strategies compared on a published table, whichever it is: every strategy, every seed, spread over processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch

from wsrnas.errors import refuse
from wsrnas.files import check_writable, write_json
from wsrnas.progress import progress
from wsrnas.runtime import RuntimeConfig
from wsrnas.runtime.parallel import each
from wsrnas.search.objective import SearchObjective
from wsrnas.studies.tables.comparison import Comparison, check_format, draw, summarise
from wsrnas.studies.tables.robustness_table import RobustnessTable
from wsrnas.studies.tables.size_limit import within
from wsrnas.studies.tables.strategies import DEFAULT, get_table_strategy
from wsrnas.studies.tables.trial import regret_curve

ORDER = ("wsr-paper", "pvll", "ours", "q-learning")
"""The slowest first, so that no process is left with them at the end."""


class Task(NamedTuple):
    """A table, and what is searched for in it."""

    table: RobustnessTable
    objective: SearchObjective


Load: TypeAlias = Callable[[str, str, str], Task]
"""(folder, data set, objective) → task; a function of a module, so that another process can be sent it."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One comparison, in values that another process can be sent.

    Args:
        load: reads the table.
        data: its folder.
        dataset: one of its data sets.
        objective: one of its objectives.
        queries: budget in distinct, non-isomorphic architectures.
        label_noise: rank correlation that an error added to the labels leaves; None for true labels.
        label_ageing: (c, h): the error of a label made after q queries is 1 + c·2^(−q/h) times as large, as that of
            losses under weights that have only begun to learn; None for an error that stays.
        most_parameters: strategies ask only for networks of at most so many, and are judged by the best of these.
    """

    load: Load
    data: str
    dataset: str
    objective: str
    queries: int
    label_noise: float | None = None
    label_ageing: tuple[float, float] | None = None
    most_parameters: int | None = None

    def task(self) -> Task:
        """Read the table, within the limit, and the objective."""
        task, most = self.load(self.data, self.dataset, self.objective), self.most_parameters
        return task if most is None else task._replace(table=within(task.table, most))


class Job(NamedTuple):
    """One search."""

    setting: Setting
    strategy: str
    seed: int


def compare_on(
    load: Load,
    data: str | Path,
    *,
    queries: int,
    dataset: str = "cifar10",
    objective: str = "wide",
    label_noise: float | None = None,
    label_ageing: tuple[float, float] | None = None,
    max_params: int | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Compare strategies on the table in a folder; print a table; return what `--json` writes.

    Args:
        load: reads the table.
        data: its folder.
        queries: see `Setting`.
        dataset: see `Setting`.
        objective: see `Setting`.
        label_noise: see `Setting`.
        label_ageing: see `Setting`.
        max_params: largest network that may be asked for.
        how: seeds, strategies, processes and where results go, see `compare`.

    Raises:
        InputError: not such a table, files missing, an unknown name, or a budget or limit that the table cannot serve.
    """
    setting = Setting(
        load=load,
        data=str(data),
        dataset=dataset,
        objective=objective,
        queries=queries,
        label_noise=label_noise,
        label_ageing=label_ageing,
        most_parameters=max_params,
    )
    return compare(setting, **how)


def compare(
    setting: Setting,
    *,
    seeds: int = 30,
    first_seed: int = 0,
    strategies: Sequence[str] = DEFAULT,
    after: Sequence[int] = (),
    json_path: str | Path | None = None,
    figure: str | Path | None = None,
    processes: int = 2,
    quiet: bool = False,
) -> dict[str, Any]:
    """Compare strategies; print a table; return what `--json` writes.

    Args:
        setting: what is searched, and how.
        seeds: how many runs of each strategy, with seeds `first_seed`, `first_seed`+1, …
        first_seed: the first of them.
        strategies: names, see `strategies.py`.
        after: numbers of queries after which regret is told; none: a quarter, half, and all of the budget.
        json_path: where to write the result.
        figure: where to draw regret against queries (.svg, .png, .pdf).
        processes: how many processes to spread the runs over.
        quiet: print nothing.

    Raises:
        InputError: not such a table, files missing, an unknown name, a budget larger than what may be asked for, or a
            limit below the smallest network.
    """
    names = _checked(strategies, seeds, processes)
    for query in after:
        if not 1 <= query <= setting.queries:
            refuse("--after", expected=f"numbers between 1 and --queries {setting.queries}", got=query)
    if figure is not None:
        check_format(Path(figure))
    check_writable(figure, argument="--figure")
    check_writable(json_path, argument="--json")
    if setting.label_ageing is not None and setting.label_noise is None:
        refuse("--label-ageing", expected="--label-noise with it", got="none", remedy="say how noisy late labels are")
    task = setting.task()
    task.table.check_budget(setting.queries)
    runs = range(first_seed, first_seed + seeds)
    slowest_first = sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    found = _curves([Job(setting, name, seed) for name in slowest_first for seed in runs], task, processes, quiet)
    comparison = Comparison(
        dataset=setting.dataset,
        objective=setting.objective,
        queries=setting.queries,
        curves={name: torch.stack([found[name, seed] for seed in runs]) for name in names},
        label_noise=setting.label_noise,
        label_ageing=setting.label_ageing,
        most_parameters=setting.most_parameters,
        after=tuple(after),
    )
    told = {name: get_table_strategy(name).differs() for name in names}
    result = {**comparison.as_json(), "overrides": {name: text for name, text in told.items() if text}}
    if not quiet:
        summarise(comparison)
        for name, text in told.items():
            print(f"{name}: {text or 'as it ships'}")
    if figure is not None:
        draw(comparison, Path(figure))
    if json_path is not None:
        write_json(Path(json_path), result)
    return result


def _checked(strategies: Sequence[str], seeds: int, processes: int) -> list[str]:
    if seeds < 1:
        refuse("--seeds", expected="at least 1", got=seeds)
    if processes < 1:
        refuse("--processes", expected="at least 1", got=processes)
    names = list(dict.fromkeys(strategies))
    if not names:
        refuse("--strategies", expected="at least one name", got="none", remedy=f"known: {', '.join(DEFAULT)}")
    for name in names:
        get_table_strategy(name)
    return names


def _curves(jobs: list[Job], task: Task, processes: int, quiet: bool) -> dict[tuple[str, int], torch.Tensor]:
    items = {f"{job.strategy}, seed {job.seed}": job for job in jobs}
    with progress("searches", len(jobs), quiet=quiet) as bar:
        found = each(
            _trial,
            items,
            config=RuntimeConfig(device="cpu", workers=processes),
            common=jobs[0].setting.task,
            here=task,
            on_done=lambda name: bar.advance(note=items[name].strategy),
        )
    return {(job.strategy, job.seed): torch.tensor(found[name]) for name, job in items.items()}


def _trial(task: Task, job: Job) -> list[float]:
    curve = regret_curve(
        task.table,
        task.objective,
        get_table_strategy(job.strategy),
        queries=job.setting.queries,
        seed=job.seed,
        label_noise=job.setting.label_noise,
        label_ageing=job.setting.label_ageing,
    )
    return [float(value) for value in curve]

"""`wsrnas bench nb201`: every search strategy on the published robustness table of NAS-Bench-201."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import torch

from wsrnas.errors import refuse
from wsrnas.files import check_writable, write_json
from wsrnas.progress import progress
from wsrnas.studies.tables.comparison import Comparison, check_format, draw, summarise
from wsrnas.studies.tables.objectives import get_objective
from wsrnas.studies.tables.robustness_table import load_table
from wsrnas.studies.tables.strategies import DEFAULT, get_table_strategy
from wsrnas.studies.tables.trial import regret_curve

_load = lru_cache(maxsize=2)(load_table)
ORDER = ("wsr-paper", "pvll", "ours", "q-learning")
"""The slowest first, so that no process is left with them at the end."""


def run(
    data: str | Path,
    *,
    dataset: str = "cifar10",
    objective: str = "wide",
    queries: int = 200,
    seeds: int = 30,
    first_seed: int = 0,
    strategies: Sequence[str] = DEFAULT,
    label_noise: float | None = None,
    label_ageing: tuple[float, float] | None = None,
    json_path: str | Path | None = None,
    figure: str | Path | None = None,
    processes: int = 2,
    quiet: bool = False,
) -> dict[str, Any]:
    """Compare strategies; print a table; return what `--json` writes.

    Args:
        data: folder of the published table (`meta.json` and a folder per data set).
        dataset: one of these folders.
        objective: wide, joint, paper, apgd or square.
        queries: budget in distinct, non-isomorphic architectures.
        seeds: how many runs of each strategy, with seeds `first_seed`, `first_seed`+1, …
        first_seed: the first of them.
        strategies: names, see `strategies.py`.
        label_noise: rank correlation that an error added to the labels leaves; None for true labels.
        label_ageing: (c, h): the error of a label made after q queries is 1 + c·2^(−q/h) times as large, as that of
            losses under weights that have only begun to learn; None for an error that stays.
        json_path: where to write the result.
        figure: where to draw regret against queries (.svg, .png, .pdf).
        processes: how many processes to spread the runs over.
        quiet: print nothing.

    Raises:
        InputError: not such a table, files missing, an unknown name, or a budget larger than the space.
    """
    names = _checked(strategies, seeds, processes)
    if figure is not None:
        check_format(Path(figure))
    check_writable(figure, argument="--figure")
    check_writable(json_path, argument="--json")
    if label_ageing is not None and label_noise is None:
        refuse("--label-ageing", expected="--label-noise with it", got="none", remedy="say how noisy late labels are")
    table = _load(data, dataset=dataset, attack=get_objective(objective).attack)
    table.check_budget(queries)
    jobs = [
        Job(str(data), dataset, objective, name, queries, seed, label_noise, label_ageing)
        for name in sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
        for seed in range(first_seed, first_seed + seeds)
    ]
    found = _curves(jobs, processes, quiet)
    curves = {
        name: torch.stack([found[name, seed] for seed in range(first_seed, first_seed + seeds)]) for name in names
    }
    comparison = Comparison(
        dataset=dataset,
        objective=objective,
        queries=queries,
        curves=curves,
        label_noise=label_noise,
        label_ageing=label_ageing,
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


class Job(NamedTuple):
    """One search, in values that another process can be sent."""

    data: str
    dataset: str
    objective: str
    strategy: str
    queries: int
    seed: int
    label_noise: float | None
    label_ageing: tuple[float, float] | None


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


def _curves(jobs: list[Job], processes: int, quiet: bool) -> dict[tuple[str, int], torch.Tensor]:
    found: dict[tuple[str, int], torch.Tensor] = {}
    with progress("searches", len(jobs), quiet=quiet) as bar:
        if processes == 1:
            for job in jobs:
                found[job.strategy, job.seed] = torch.tensor(_trial(job))
                bar.advance(note=job.strategy)
            return found
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
            futures = {pool.submit(_trial, job): job for job in jobs}
            for future in as_completed(futures):
                job = futures[future]
                found[job.strategy, job.seed] = torch.tensor(future.result())
                bar.advance(note=job.strategy)
    return found


def _one_thread() -> None:
    torch.set_num_threads(1)


def _trial(job: Job) -> list[float]:
    target = get_objective(job.objective)
    table = _load(job.data, dataset=job.dataset, attack=target.attack)
    curve = regret_curve(
        table,
        target.over(len(table.strengths)),
        get_table_strategy(job.strategy),
        queries=job.queries,
        seed=job.seed,
        label_noise=job.label_noise,
        label_ageing=job.label_ageing,
    )
    return [float(value) for value in curve]

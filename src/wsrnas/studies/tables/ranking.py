"""How well does ψ rank architectures it has not seen? Rank correlation per strength against the number of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import nearest, refuse
from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.estimators.loss.ensemble import EnsembleLossEstimator
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.estimators.loss.lstm import LSTMLossEstimator
from wsrnas.estimators.loss.metrics import kendall_per_head, spearman_per_head
from wsrnas.files import check_writable, write_json
from wsrnas.progress import progress
from wsrnas.search.wsr.estimator import estimator_sizes, path_features
from wsrnas.search.wsr.known import distinct_samples
from wsrnas.studies.tables.robustness_table import RobustnessTable, load_table

LABELS = (50, 100, 200)
UNSEEN = 1000
"""Architectures on which a fitted ψ is judged."""

Sizes = dict[str, int]


def estimators(table: RobustnessTable) -> dict[str, Callable[[Sizes], LossEstimator]]:
    """Return every kind of ψ by name, as constructors from the sizes."""
    return {
        "lstm printed": lambda sizes: LSTMLossEstimator(**sizes, form="printed"),
        "lstm released": lambda sizes: LSTMLossEstimator(**sizes, form="released"),
        "lstm corrected": lambda sizes: LSTMLossEstimator(**sizes, form="corrected"),
        "perceptrons": lambda sizes: EnsembleLossEstimator(**sizes),
        "process on H": lambda sizes: GaussianProcessLossEstimator(**sizes),
        "process on paths": lambda sizes: GaussianProcessLossEstimator(**sizes, paths=path_features(table.space)),
    }


def run(
    data: str | Path,
    *,
    dataset: str = "cifar10",
    seeds: int = 10,
    first_seed: int = 0,
    names: Sequence[str] | None = None,
    json_path: str | Path | None = None,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Fit every ψ to the same uniform labels, rank unseen architectures; print a table, return its rows.

    Columns are the clean loss, every strength, and the mean over the strengths (`wide`), which is predicted by the mean
    of the predicted losses. Each entry is the mean over `seeds` draws of labels.

    Raises:
        InputError: not such a table, an unknown name, or fewer than one seed.
    """
    check_writable(json_path, argument="--json")
    table = load_table(data, dataset=dataset)
    known = estimators(table)
    if seeds < 1:
        refuse("--seeds", expected="at least 1", got=seeds)
    for name in names or ():
        if name not in known:
            refuse("names", expected=f"some of {', '.join(known)}", got=name, remedy=nearest(name, tuple(known)))
    rows = []
    kept = list(names or known)
    with _one_thread(), progress("fits", len(kept) * len(LABELS) * seeds, quiet=quiet) as bar:
        draws = {seed: _draw(table, seed) for seed in range(first_seed, first_seed + seeds)}
        for name in kept:
            for count in LABELS:
                found = []
                for seed, draw in draws.items():
                    sizes = estimator_sizes(table.space, len(table.strengths), seed)
                    found.append(_correlations(known[name](sizes), *draw, count, seed))
                    bar.advance(note=name)
                spearman, kendall = torch.tensor(found).unbind(1)
                error = float(spearman[:, -1].std() / seeds**0.5) if seeds > 1 else None
                rows.append(
                    {
                        "estimator": name,
                        "labels": count,
                        "spearman": spearman.mean(dim=0).tolist(),
                        "kendall": kendall.mean(dim=0).tolist(),
                        "wide_standard_error": error,
                    }
                )
    if not quiet:
        _print(table, rows, seeds)
    if json_path is not None:
        columns = ["clean", *(float(strength) for strength in table.strengths), "wide"]
        content = {"dataset": dataset, "seeds": seeds, "unseen": UNSEEN, "columns": columns, "rows": rows}
        write_json(Path(json_path), content)
    return rows


@contextmanager
def _one_thread() -> Iterator[None]:
    """These networks are so small that threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _draw(table: RobustnessTable, seed: int) -> tuple[Tensor, Tensor]:
    """Return encodings and losses of distinct architectures: first those to be labelled, last the unseen ones."""
    generator = rng.stream(seed, "ranking")
    genotypes = distinct_samples(table.space, max(LABELS) + UNSEEN, lambda index: generator)
    rows = [table.rows[table.space.choice(genotype)] for genotype in genotypes]
    return torch.stack([table.space.encode(genotype) for genotype in genotypes]), table.losses[rows]


def _correlations(
    estimator: LossEstimator, inputs: Tensor, losses: Tensor, count: int, seed: int
) -> tuple[list[float], list[float]]:
    """Return Spearman's ρ and Kendall's τ of each loss, and of the mean robust loss last."""
    estimator.fit(inputs[:count], losses[:count], generator=rng.stream(seed, "ranking", "fit", count))
    with torch.no_grad():
        predicted = _with_wide(estimator.predict(inputs[-UNSEEN:]).mean)
    measured = _with_wide(losses[-UNSEEN:])
    return spearman_per_head(predicted, measured), kendall_per_head(predicted, measured)


def _with_wide(losses: Tensor) -> Tensor:
    return torch.cat([losses, losses[:, 1:].mean(dim=1, keepdim=True)], dim=1)


def _print(table: RobustnessTable, rows: list[dict[str, Any]], seeds: int) -> None:
    title = f"{table.dataset}: Spearman on {UNSEEN} unseen architectures, mean of {seeds} seeds; strengths in 255ths"
    shown = Table(title=title)
    shown.add_column("ψ", no_wrap=True)
    shown.add_column("labels", justify="right", no_wrap=True)
    for name in ("clean", *(f"{255 * float(strength):g}" for strength in table.strengths), "wide"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        shown.add_row(row["estimator"], str(row["labels"]), *(f"{value:.2f}" for value in row["spearman"]))
    Console().print(shown)

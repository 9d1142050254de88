"""Regret of several strategies over several seeds: as JSON, as a table, as a figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from rich.console import Console
from rich.table import Table
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.report.theme import CATEGORIES, GRID, INK

REACH = 1.0
"""Percentage points; the table says after how many queries half of the runs are this near."""
FORMATS = (".svg", ".png", ".pdf")


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """`curves[name]` is (seeds, queries): regret in percentage points after 1, 2, … distinct architectures.

    `after` names the numbers of queries that are told.
    """

    dataset: str
    objective: str
    queries: int
    curves: dict[str, Float[Tensor, "seeds queries"]]
    label_noise: float | None = None
    label_ageing: tuple[float, float] | None = None
    most_parameters: int | None = None
    after: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """What was searched for, in which table and with what labels."""
        noise = "" if self.label_noise is None else f", label noise {self.label_noise:g}"
        ageing = "" if self.label_ageing is None else f" ageing {self.label_ageing[0]:g},{self.label_ageing[1]:g}"
        limit = "" if self.most_parameters is None else f", at most {self.most_parameters:,} parameters"
        return f"{self.dataset}, objective {self.objective}{noise}{ageing}{limit}"

    @property
    def seeds(self) -> int:
        """How many runs each strategy had."""
        return len(next(iter(self.curves.values())))

    @property
    def checkpoints(self) -> list[int]:
        """The numbers of queries asked for, by default a quarter, half, and all of the budget."""
        if self.after:
            return sorted(set(self.after))
        return sorted({max(1, self.queries // 4), max(1, self.queries // 2), self.queries})

    def as_json(self) -> dict[str, Any]:
        """Return means, standard deviations and intervals of the means at the checkpoints."""
        columns = [query - 1 for query in self.checkpoints]
        return {
            "dataset": self.dataset,
            "objective": self.objective,
            "label_noise": self.label_noise,
            "label_ageing": None if self.label_ageing is None else list(self.label_ageing),
            **({} if self.most_parameters is None else {"max_params": self.most_parameters}),
            "queries": self.checkpoints,
            "seeds": self.seeds,
            "strategies": {
                name: {
                    "regret_mean": [round(value, 4) for value in curve[:, columns].mean(dim=0).tolist()],
                    "regret_sd": [round(value, 4) for value in deviation(curve)[columns].tolist()],
                    "regret_interval": [
                        [round(bound, 4) for bound in bootstrap_interval(curve[:, column])] for column in columns
                    ],
                    f"queries_to_{REACH:g}_point": queries_to_reach(curve, REACH),
                }
                for name, curve in self.curves.items()
            },
        }

    def by_final_regret(self) -> list[str]:
        """Return the names, best first."""
        return sorted(self.curves, key=lambda name: float(self.curves[name][:, -1].mean()))


def deviation(curve: Float[Tensor, "seeds queries"]) -> Float[Tensor, "queries"]:
    """Return the standard deviation over seeds; 0 for a single seed."""
    return curve.std(dim=0) if len(curve) > 1 else torch.zeros(curve.shape[1])


def bootstrap_interval(values: Float[Tensor, "seeds"], *, draws: int = 4000) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean."""
    generator = rng.stream(0, "bootstrap", len(values))
    picked = torch.randint(len(values), (draws, len(values)), generator=generator)
    low, high = torch.quantile(values[picked].mean(dim=1).double(), torch.tensor([0.025, 0.975]).double()).tolist()
    return low, high


def queries_to_reach(curve: Float[Tensor, "seeds queries"], regret: float) -> int | None:
    """Return the median over seeds of the first query at or below that regret; None where half never get there."""
    reached = curve <= regret
    first = torch.where(reached.any(dim=1), reached.int().argmax(dim=1) + 1, curve.shape[1] + 1)
    median = int(first.sort().values[(len(first) - 1) // 2])
    return median if median <= curve.shape[1] else None


def summarise(comparison: Comparison, console: Console | None = None) -> None:
    """Print mean, deviation and interval of every strategy, best first."""
    caption = f"sd, interval: after {comparison.queries} queries; never: half of the runs stay above"
    table = Table(title=f"{comparison.title}: regret in points, {comparison.seeds} seeds", caption=caption)
    table.add_column("strategy", no_wrap=True, min_width=max(map(len, comparison.curves)))
    for query in comparison.checkpoints:
        table.add_column(f"{query} queries", justify="right")
    table.add_column("sd", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column(f"queries to {REACH:g} point", justify="right")
    for name in comparison.by_final_regret():
        curve = comparison.curves[name]
        low, high = bootstrap_interval(curve[:, -1])
        reach = queries_to_reach(curve, REACH)
        table.add_row(
            name,
            *(f"{float(curve[:, query - 1].mean()):.2f}" for query in comparison.checkpoints),
            f"{float(deviation(curve)[-1]):.2f}",
            f"{low:.2f} to {high:.2f}",
            "never" if reach is None else str(reach),
        )
    (console or Console()).print(table)


def check_format(path: Path) -> None:
    """Raise an `InputError` where a figure of that name cannot be drawn."""
    if path.suffix not in FORMATS:
        refuse("--figure", expected=f"a name ending in {', '.join(FORMATS)}", got=path.name)


def draw(comparison: Comparison, path: Path) -> None:
    """Draw mean regret against queries, with bands of one standard error.

    Raises:
        InputError: a file format that cannot be drawn.
    """
    check_format(path)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for colour, name in zip(CATEGORIES * 4, comparison.by_final_regret()):
        curve = comparison.curves[name]
        mean, error = curve.mean(dim=0), deviation(curve) / len(curve) ** 0.5
        x = range(1, comparison.queries + 1)
        axes.plot(x, mean, label=name, color=colour)
        axes.fill_between(x, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("distinct architectures measured", color=INK)
    axes.set_ylabel("regret of the returned one, points", color=INK)
    axes.set_title(f"{comparison.title}\nmean of {comparison.seeds} seeds ± one standard error", color=INK)
    axes.grid(True, color=GRID)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)

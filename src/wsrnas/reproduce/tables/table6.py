"""Table 6: where the time of one iteration of the search loop goes."""

from __future__ import annotations

from typing import final

from wsrnas import zoo
from wsrnas.reproduce.result import Cell, Grid, Number, Result
from wsrnas.reproduce.runs import Run, SearchRun, outcome_file
from wsrnas.reproduce.scale import Scale
from wsrnas.reproduce.tables.base import Outcomes, Table
from wsrnas.reproduce.tables.searches import ITERATION, Timed, settings_of_basic_that_differ

COLUMNS = {
    "adversarial training": "adv_train",
    "adversarial examples": "ae_generation",
    "search": "search",
    "EWSS": "ewss",
    "AN-Estimator": "ane_train_test",
    "sum": "sum",
}
"""The columns of Table 6 and what the timings of a search call them."""
CASES = {"Basic": "naive-gradient", "Wsr-NAS": None}
"""The two lines and the strategy of each; None is Wsr-NAS itself."""


@final
class Table6(Table):
    """Back-propagation through the super-network at all six strengths (Basic) beside Wsr-NAS."""

    name = "table6"
    title = "Table 6: the time of one iteration"
    asks = "How much time do the loss estimator and the noise estimator save in each iteration of the search loop?"
    timed = True

    def runs(self, scale: Scale) -> tuple[Run, ...]:
        """Return one short search for each of the two lines."""
        found = []
        for case, strategy in CASES.items():
            own = {} if strategy is None else _naive(strategy, scale)
            config = scale.searching("paper-basic", scale.seeds[0], own, timed=True)
            found.append(SearchRun(name=f"timed-iteration-{case.lower()}", config=config))
        return tuple(found)

    def result(self, scale: Scale, outcomes: Outcomes) -> Result:
        """Put the seconds of both lines, the paper's and ours, under each other, with their shares."""
        rows: list[tuple[Cell, ...]] = []
        marked, sums = set(), {}
        for line in zoo.paper_values(6):
            printed = {name: line.values[name] for name in COLUMNS}
            rows.append((line.name, "paper", "seconds", *printed.values()))
            rows.append((line.name, "paper", "share, %", *_shares(printed)))
            timed = Timed.of(outcomes[outcome_file("search", f"timed-iteration-{line.name.lower()}")]).search
            seconds = {name: timed[key] or None for name, key in COLUMNS.items()}
            sums[line.name] = float(timed["sum"])
            marked |= {len(rows), len(rows) + 1}
            measured = [None if value is None else Number(value=value, digits=3) for value in seconds.values()]
            rows.append((line.name, "ours", "seconds", *measured))
            rows.append((line.name, "ours", "share, %", *_shares(seconds)))
        paper = {line.name: float(line.values["sum"] or 0.0) for line in zoo.paper_values(6)}
        own, printed_ratio = sums["Wsr-NAS"] / sums["Basic"], paper["Wsr-NAS"] / paper["Basic"]
        return Result(
            main=Grid(
                headers=("line", "whose", "unit", *COLUMNS),
                rows=tuple(rows),
                caption="An iteration of the search loop. Adversarial examples are the attacks and losses on D_v and "
                "the attacks for the noise estimator; search is the back-propagation through the super-network; EWSS "
                "is the loss estimator, choosing an architecture and moving A.",
                marked=frozenset(marked),
            ),
            finding=f"An iteration of Wsr-NAS takes {own:.2f} of the time of Basic here, "
            f"{printed_ratio:.2f} in the paper.",
            differs=settings_of_basic_that_differ(scale),
            notes=(
                ITERATION,
                "Basic is the strategy naive-gradient: in every iteration A takes a step on each of as many batches of "
                "D_v as D_v has, attacked at all six strengths. Its attacks and its back-propagation go through the "
                "mixture of all operations; the paper does not say whether its own do.",
            ),
        )


def _naive(strategy: str, scale: Scale) -> dict[str, object]:
    return {"strategy": {"name": strategy, "settings": {"steps_per_query": scale.mixture_batches}}}


def _shares(seconds: dict[str, float | int | None] | dict[str, float | None]) -> list[Cell]:
    whole = float(seconds["sum"] or 1.0)
    return [None if value is None else Number(value=100 * value / whole) for value in seconds.values()]

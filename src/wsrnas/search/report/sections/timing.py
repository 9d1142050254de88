"""Where the time of a search went, as the paper's Table 6 tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from wsrnas.report.figures import bar_figure
from wsrnas.report.page import Page
from wsrnas.report.words import duration, percent
from wsrnas.search.costs import FINALISTS, RIVALS, TRAINING, VERIFICATION
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section
from wsrnas.search.strategies.mixture import GRADIENT_SEARCH

_TABLE_6 = {
    "adv_train": "adversarial training",
    "ae_generation": "attacks and measuring",
    "search": "gradient search",
    "ewss": "loss estimator and choosing",
    "ane_train_test": "noise estimator",
    "sum": "sum",
}
"""The columns of the paper's Table 6 and what we call them."""
_SHORTEST_BAR = 0.005
_PAPER: dict[str, dict[str, float]] = {
    "Basic": {"adv_train": 610.6, "ae_generation": 1151.5, "search": 191.3, "sum": 1953.4},
    "Wsr-NAS": {"adv_train": 610.6, "ae_generation": 576.3, "ewss": 37.1, "ane_train_test": 27.6, "sum": 1251.6},
}
"""Its rows, in seconds per iteration of the search (Cheng et al., AAAI 2023)."""


@final
@dataclass(frozen=True, kw_only=True)
class Time(Section):
    """Where the time went, per phase, beside the paper's Table 6."""

    name: ClassVar[str] = "time"

    def add(self, page: Page, record: SearchRecord) -> None:
        page.section("Where the time went")
        if not record.timings:
            page.callout("note", "This run wrote no timings.")
            return
        total: dict[str, float] = {}
        iterations: dict[str, set[int]] = {}
        for line in record.timings:
            total[line["phase"]] = total.get(line["phase"], 0.0) + float(line["seconds"])
            iterations.setdefault(line["phase"], set()).add(int(line["iteration"]))
        order = sorted(total, key=lambda phase: -total[phase])
        whole = sum(total.values()) or 1.0
        share = {phase: total[phase] / whole for phase in order}
        page.text(
            f"{duration(whole)} in all; {order[0]} took {percent(share[order[0]], 0)} of it. To make the search "
            f"cheaper, "
            "start with the longest bar."
        )
        long = [phase for phase in order if share[phase] >= _SHORTEST_BAR]
        page.figure(
            bar_figure(
                long,
                [total[phase] for phase in long],
                x_label="seconds",
                texts=[f"{duration(total[phase])} · {percent(share[phase])}" for phase in long],
            ),
            "Time per phase of the search, longest first"
            + ("." if len(long) == len(order) else f"; phases below {percent(_SHORTEST_BAR)} are left out."),
        )
        rows: list[list[object]] = []
        for phase in order:
            count = len(iterations[phase])
            rows.append([phase, f"{total[phase]:.1f}", percent(share[phase]), count, f"{total[phase] / count:.3g}"])
        rows.append(["sum", f"{whole:.1f}", percent(1.0), len(set().union(*iterations.values())), None])
        page.table(
            ["phase", "seconds", "share", "iterations", "seconds per iteration"],
            rows,
            "The same as numbers. Seconds per iteration count only the iterations in which the phase took place.",
            highlight=len(rows) - 1,
        )
        _add_table_6(page, record)


_AFTERWARDS = (VERIFICATION, FINALISTS, RIVALS, "scoring on test images")
"""Phases of which the paper's Table 6 says nothing."""


def per_iteration(record: SearchRecord) -> dict[str, dict[str, float]]:
    """Return mean seconds per iteration in the columns of Table 6, by what an iteration is for.

    That is: warm up, build (a label of the population) and search. What is done once after the search is left out.
    """
    of_kind: dict[str, set[int]] = {}
    for line in record.metrics:
        of_kind.setdefault(str(line.get("phase") or "search"), set()).add(int(line["iteration"]))
    return {kind: _mean_seconds(record, iterations) for kind, iterations in of_kind.items()}


def _mean_seconds(record: SearchRecord, iterations: set[int]) -> dict[str, float]:
    """Return the mean seconds of these iterations in the columns of Table 6."""
    found = dict.fromkeys(_TABLE_6, 0.0)
    for line in record.timings:
        if int(line["iteration"]) in iterations and line["phase"] not in _AFTERWARDS:
            found[_column(str(line["phase"]))] += float(line["seconds"]) / len(iterations)
    found["sum"] = sum(found.values())
    return found


def _add_table_6(page: Page, record: SearchRecord) -> None:
    labelled = {int(line["iteration"]) for line in record.metrics if line.get("phase") not in ("warm up", None)}
    if not labelled:
        return
    own = _mean_seconds(record, labelled)
    rows = [_row("this run", own), _row("this run, share", {key: own[key] / (own["sum"] or 1.0) for key in own}, True)]
    for case, seconds in _PAPER.items():
        rows.append(_row(f"paper, {case}", seconds))
        rows.append(
            _row(f"paper, {case}, share", {key: value / seconds["sum"] for key, value in seconds.items()}, True)
        )
    page.table(
        ["seconds per measured architecture", *_TABLE_6.values()],
        rows,
        "In the columns of the paper's Table 6. The paper's seconds are those of a search on CIFAR-10 at full size on "
        "its own hardware: compare the shares, not the seconds.",
        highlight=0,
    )


def _column(phase: str) -> str:
    if phase == TRAINING:
        return "adv_train"
    if phase == GRADIENT_SEARCH:
        return "search"
    if phase.startswith(("attack", "measur", "fidelity")):
        return "ae_generation"
    return "ane_train_test" if phase.startswith("noise estimat") else "ewss"


def _row(name: str, values: Mapping[str, float], shares: bool = False) -> list[object]:
    cells: list[object] = [name]
    for value in (values.get(key, 0.0) for key in _TABLE_6):
        written = percent(value, 0) if shares else f"{value:.3g}" if value < 100 else f"{value:.0f}"
        cells.append(written if value else None)
    return cells

"""Table 3: how long each search takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from wsrnas import zoo
from wsrnas.report.figures import bar_figure
from wsrnas.report.words import duration
from wsrnas.reproduce.result import Cell, Figure, Grid, Number, Result
from wsrnas.reproduce.runs import Run, SearchRun, outcome_file
from wsrnas.reproduce.scale import Scale
from wsrnas.reproduce.tables.base import Outcomes, Table, search_of
from wsrnas.reproduce.tables.counted import passes_of
from wsrnas.reproduce.tables.searches import (
    ITERATIONS,
    METHOD,
    POPULATION,
    SEARCH,
    WARM_UP,
    Timed,
    settings_of_basic_that_differ,
)

REFERENCE = "wsrnet-naive-1"
WHOLE = POPULATION + ITERATIONS
RIVALS = {"robnet": 1000, "metaqnn": 2700, "amoebanet": 20000}
"""Architectures that the searches of other papers looked at, as those papers say: Guo et al., CVPR 2020 (random
samples); Baker et al., ICLR 2017 (trained over the whole schedule of ε); Real et al., AAAI 2019 (models evolved)."""


@final
class Table3(Table):
    """The cost of a search by its strengths attacked (N1) and estimated (N2), in seconds measured here."""

    name = "table3"
    title = "Table 3: search time"
    asks = "What does a search cost when more strengths are looked at, and how much does estimating their noise save?"
    timed = True

    def runs(self, scale: Scale) -> tuple[Run, ...]:
        """Return one short search for each line."""
        found = []
        for line in zoo.paper_values(3):
            card = zoo.card(str(line.card))
            recipe, settings = search_of(card)
            config = scale.searching(recipe, scale.seeds[0], settings, timed=True)
            found.append(SearchRun(name=f"timed-{card.name}", config=config))
        return tuple(found)

    def result(self, scale: Scale, outcomes: Outcomes) -> Result:
        """Put the paper's GPU days beside our seconds, both also as multiples of the search with one strength."""
        lines = zoo.paper_values(3)
        timed = {str(line.card): Timed.of(outcomes[outcome_file("search", f"timed-{line.card}")]) for line in lines}
        base = next(line for line in lines if line.card == REFERENCE)
        base_days, base_seconds = float(base.values["days"] or 0.0), timed[REFERENCE].whole()
        rows: list[tuple[Cell, ...]] = []
        for line in lines:
            name, days = str(line.card), line.values["days"]
            one = timed[name]
            whole = one.whole(RIVALS.get(name))
            printed = zoo.card(name).search_cost
            rows.append(
                (
                    line.name,
                    line.values["N1"],
                    line.values["N2"],
                    None if printed is None else printed.printed,
                    None if days is None else Number(value=days / base_days, digits=2),
                    Number(value=one.seconds(WARM_UP), digits=3),
                    Number(value=one.seconds(SEARCH), digits=3),
                    RIVALS.get(name, WHOLE),
                    Number(value=whole / 3600, digits=2),
                    Number(value=whole / base_seconds, digits=2),
                )
            )
        grid = Grid(
            headers=("search", "N1", "N2", "paper: GPU days", "paper: × Naive-1", "seconds to warm up",
                     "seconds to search", "architectures", "ours: hours", "ours: × Naive-1"),
            rows=tuple(rows),
            caption="Seconds are those of one iteration at this scale, hours those of a whole search extrapolated from "
            "them. A dash: not printed, or, of the paper's two products of GPUs and days, no number.",
        )  # fmt: skip
        six, basic = timed["wsrnet-naive-6"].whole(), timed["wsrnet-basic"].whole()
        paper = {str(line.card): float(line.values["days"] or 0.0) for line in lines}
        printed_saving = 1 - paper["wsrnet-basic"] / paper["wsrnet-naive-6"]
        return Result(
            main=grid,
            finding=f"Estimating three of six strengths (Basic) makes the search {abs(1 - basic / six):.0%} "
            f"{'cheaper' if basic < six else 'dearer'} than attacking all six (Naive-6) here; in the paper "
            f"{printed_saving:.0%} cheaper.",
            figures=(_figure(rows),),
            more=(("Counted at the paper's size", _counted()),),
            facts={"WsrNet-Basic, whole search": duration(basic), "WsrNet-Naive-6, whole search": duration(six)},
            differs=settings_of_basic_that_differ(scale),
            notes=(
                METHOD,
                "RobNet, MetaQNN and AmoebaNet are strategies of ours in their manner (random search, Q-learning, "
                "evolution) on the same evaluator as all others: an architecture costs them an epoch under shared "
                "weights, where MetaQNN and AmoebaNet trained every one from scratch for 20 and 25 epochs. Their "
                "hours are our seconds per architecture times the number of architectures that their papers name.",
            ),
        )


def _counted() -> Grid:
    """Count what the searches with N = T = 100 on CIFAR-10 cost in network passes, whatever the machine."""
    lines = [line for line in zoo.paper_values(3) if line.card not in RIVALS]
    passes = {line.name: passes_of(*search_of(zoo.card(str(line.card)))) for line in lines}
    base = next(passes[line.name] for line in lines if line.card == REFERENCE)
    days = next(float(line.values["days"] or 0.0) for line in lines if line.card == REFERENCE)
    return Grid(
        headers=("search", "image passes", "× Naive-1", "paper: × Naive-1"),
        rows=tuple(
            (
                line.name,
                passes[line.name],
                Number(value=passes[line.name] / base, digits=2),
                Number(value=float(line.values["days"] or 0.0) / days, digits=2),
            )
            for line in lines
        ),
        caption="A forward and a backward pass of an image count one each: exact, on every machine, and what a search "
        "costs wherever its networks take most of the time. Checks of the noise estimate's fidelity, which the paper "
        "does not make, are included; attacks of an image at several strengths share their first step, which is the "
        "same for all (runtime.fast).",
    )


def _figure(rows: Sequence[tuple[Cell, ...]]) -> Figure:
    """Draw the multiples of the search with one strength, leaving out searches that look at thousands."""
    drawn = [row for row in rows if row[7] == WHOLE]
    svg = bar_figure(
        [str(row[0]) for row in drawn],
        [row[9].value for row in drawn if isinstance(row[9], Number)],
        x_label="time as a multiple of WsrNet-Naive-1",
        texts=[f"{row[9]} (paper {row[4]})" for row in drawn],
    )
    return Figure(svg=svg, caption="A whole search, ours.")

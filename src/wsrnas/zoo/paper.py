"""What Cheng et al. print: Tables 1, 2 and 4 from the cards, and what names no network, Tables 3, 5, 6 and Figure 1."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from wsrnas.errors import nearest, refuse
from wsrnas.zoo.card import Card, PublishedResult, Source
from wsrnas.zoo.registry import card, list_models

PAPER = "Cheng et al., AAAI 2023"
SOURCE = "Cheng et al., Neural Architecture Search for Wide Spectrum Adversarial Robustness, AAAI 2023"
CAUTION = (
    "The paper's rows are PGD-20 attacks made in BatchNorm train mode and scored in eval mode, as the released code "
    "does, or copied from other papers, some at other strengths and protocols: no evidence beside strict numbers."
)
WITH_NETWORKS, OTHERS = (1, 2, 4), ("3", "5", "6", "figure1")


@dataclass(frozen=True, kw_only=True)
class PaperRow:
    """One line of Tables 1, 2 or 4: a model as the tables call it, its card, and its numbers in percent."""

    model: str
    card: Card
    result: PublishedResult


@dataclass(frozen=True, kw_only=True)
class PaperValues:
    """One line of Tables 3, 5 and 6, or one curve of Figure 1.

    `values` are in `unit` under the names of the columns, None where the paper prints a dash; `card` names the model,
    where there is one.
    """

    table: str
    name: str
    card: str | None
    unit: str
    values: dict[str, float | int | None]
    source: Source
    note: str


def paper_rows(*tables: int) -> tuple[PaperRow, ...]:
    """Return the lines of the given tables that have a network, in the order printed; by default Tables 1 and 2.

    Tables 1 and 2 print the same lines: Table 1 their means and FGSM, Table 2 the strengths.

    Raises:
        InputError: a table that is none of 1, 2 and 4.
    """
    wanted = tables or (1, 2)
    for table in wanted:
        if table not in WITH_NETWORKS:
            refuse("table", expected="1, 2 or 4, which have networks", got=table, remedy="`paper_values` has 3, 5, 6")
    found = [
        PaperRow(model=known.title.removesuffix(" (ImageNet)"), card=known, result=result)
        for known in map(card, list_models())
        for result in known.published
        if set(result.tables) & set(wanted)
    ]
    return tuple(sorted(found, key=lambda row: (row.result.tables, row.result.row or 0)))


def paper_values(table: int | str) -> tuple[PaperValues, ...]:
    """Return the lines of Table 3 (GPU days of a search), 5 (estimators), 6 (seconds per iteration) or of `figure1`.

    Raises:
        InputError: another table.
    """
    name = str(table)
    if name not in OTHERS:
        remedy = "`paper_rows` has 1, 2 and 4" if name in ("1", "2", "4") else nearest(name, OTHERS)
        refuse("table", expected="3, 5, 6 or figure1", got=name, remedy=remedy)
    return _costs() if name == "3" else _stored(name)


def _costs() -> tuple[PaperValues, ...]:
    priced = [(cost.row, known, cost) for known in map(card, list_models()) if (cost := known.search_cost)]
    return tuple(
        PaperValues(
            table="3",
            name=known.title,
            card=known.name,
            unit="GPU days",
            values={"N1": cost.attacked, "N2": cost.estimated, "days": cost.gpu_days},
            source=cost.source,
            note=f"printed as {cost.printed}{'; extrapolated, not run' if cost.extrapolated else ''}",
        )
        for _, known, cost in sorted(priced, key=lambda line: line[0])
    )


@cache
def _stored(table: str) -> tuple[PaperValues, ...]:
    text = files("wsrnas.zoo").joinpath("paper.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)[table]
    return tuple(
        PaperValues(
            table=table,
            name=line["name"],
            card=line.get("card"),
            unit=stored["unit"],
            values=line["values"],
            source="authors",
            note=stored["note"],
        )
        for line in stored["rows"]
    )

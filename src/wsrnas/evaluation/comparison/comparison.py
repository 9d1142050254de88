"""`Comparison`: the rows of several runs, what differs between them, and paired tests."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wsrnas.evaluation.comparison.paper import CAUTION, PROTOCOLS_OF
from wsrnas.evaluation.comparison.row import Row
from wsrnas.evaluation.statistics import Difference
from wsrnas.evaluation.strengths import Spelling, spell
from wsrnas.evaluation.text import WIDTH, percent, to_blocks, to_csv, to_markdown
from wsrnas.files import write_atomic
from wsrnas.report.page import Page


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All rows, and each run against the reference on the same images, where they share them.

    `notes` say what differs between the runs, `doubts` what speaks against believing one of them.
    """

    rows: tuple[Row, ...]
    differences: dict[str, dict[float, Difference]]
    reference: str
    figure: str
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    seeds: str = ""

    @property
    def strengths(self) -> list[float]:
        """Return every strength that some row has, ascending."""
        return sorted({strength for row in self.rows for strength in row.accuracy if strength > 0})

    @property
    def spelling(self) -> Spelling:
        """Return how the strengths were written, by the first row that has each."""
        known: Spelling = {}
        for row in self.rows:
            known = {**row.spelling, **known}
        return spell(self.strengths, known)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return headers and rows as text, percentages with one decimal and the interval's half width."""
        headers = ["model", "protocol", "clean", *self.spelling.values()]
        rows = []
        for row in self.rows:
            cells = [row.name, row.protocol, percent(row.clean)]
            for strength in self.strengths:
                text = percent(row.accuracy.get(strength))
                if strength in row.interval:
                    low, high = row.interval[strength]
                    text += f" ±{100 * (high - low) / 2:.1f}"
                cells.append(text)
            rows.append(cells)
        return headers, rows

    def paired(self) -> tuple[list[str], list[list[str]]]:
        """Return the paired differences to the reference in points, with bootstrap intervals and McNemar p-values."""
        headers = [f"minus {self.reference}", "strength", "difference", "95 % interval", "McNemar p"]
        rows = [
            [
                name,
                self.spelling[strength] if strength else "clean",
                f"{100 * one.value:+.1f}",
                f"[{100 * one.low:+.1f}, {100 * one.high:+.1f}]",
                f"{one.p_value:.2g}",
            ]
            for name, values in self.differences.items()
            for strength, one in values.items()
        ]
        return headers, rows

    @property
    def remarks(self) -> list[str]:
        """Return everything that must be read beside the table, one sentence or two each."""
        copied = any(row.protocol in PROTOCOLS_OF.values() for row in self.rows)
        seeds = self.seeds.split("\n\n") if self.seeds else []
        return [*self.notes, *(f"Doubt about {one}" for one in self.doubts), *seeds, *([CAUTION] if copied else [])]

    def __str__(self) -> str:
        """Return tables that fit a terminal of 80 columns, and the remarks."""
        parts = [to_blocks(*self.table(), keep=2)]
        if self.differences:
            parts.append(to_blocks(*self.paired(), keep=2))
        return "\n".join([*parts, *(_wrapped(remark) for remark in self.remarks)])

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the figure as plain JSON values; shares and differences are fractions."""
        spelling = self.spelling
        return {
            "reference": self.reference,
            "rows": [
                {
                    "model": row.name,
                    "protocol": row.protocol,
                    "clean": row.clean,
                    "strengths": {
                        spelling[strength]: {"accuracy": value, "interval": row.interval.get(strength)}
                        for strength, value in row.accuracy.items()
                        if strength > 0
                    },
                }
                for row in self.rows
            ],
            "differences": {
                name: {spelling[strength] if strength else "clean": asdict(one) for strength, one in values.items()}
                for name, values in self.differences.items()
            },
            "remarks": self.remarks,
        }

    def markdown(self) -> str:
        """Return the tables as Markdown, and the remarks."""
        parts = [to_markdown(*self.table())]
        if self.differences:
            parts.append(to_markdown(*self.paired()))
        return "\n".join([*parts, *(f"{remark}\n" for remark in self.remarks)])

    def write(self, folder: Path) -> Path:
        """Write compare.md, compare.csv, compare.svg and compare.html; returns the path of the page."""
        write_atomic(folder / "compare.md", self.markdown())
        write_atomic(folder / "compare.csv", to_csv(*self.table()))
        write_atomic(folder / "compare.svg", self.figure)
        page = Page("Robustness compared", f"{len(self.rows)} rows")
        _callouts(page, self.notes)
        _callouts(page, [f"Doubt about {one}" for one in self.doubts])
        page.section("Curves", "Strict curves are solid with 95 % intervals; released and paper numbers are dashed.")
        page.figure(self.figure, "Accuracy under attack by strength.")
        page.section("Table", CAUTION if CAUTION in self.remarks else "")
        page.table(*self.table(), "Percent; ± is half the 95 % Wilson interval. A dash: not measured.")
        if self.differences:
            page.section("Paired differences", "On the same images, in points; p is McNemar's exact test.")
            page.table(*self.paired(), "")
        if self.seeds:
            page.text(self.seeds)
        return page.write(folder / "compare.html")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def _callouts(page: Page, texts: Sequence[str]) -> None:
    for text in texts:
        page.callout("warning", text)

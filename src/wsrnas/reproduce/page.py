"""`table.csv`, `table.md` and `report.html`: the paper's numbers, ours, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wsrnas.files import write_atomic
from wsrnas.report.page import Page
from wsrnas.reproduce.result import Grid, Number, Result
from wsrnas.reproduce.scale import Scale
from wsrnas.reproduce.tables.base import Table
from wsrnas.zoo.paper import CAUTION, SOURCE

FILES = ("table.csv", "table.md", "report.html")
DIFFERENCES = ("setting", "paper", "here")
MOST_DOUBTS = 12
HALF = "± is half the width of the interval; its bounds are in table.csv."


@dataclass(frozen=True, kw_only=True)
class Written:
    """A table with its result and everything its files say about how it was made."""

    table: Table
    scale: Scale
    result: Result
    command: str
    environment: Mapping[str, object]

    def write(self, folder: Path) -> Path:
        """Write the three files into a folder; return the page's path.

        Raises:
            InputError: a file that cannot be written.
        """
        write_atomic(folder / "table.csv", self.result.main.csv())
        write_atomic(folder / "table.md", self.markdown())
        return self.page().write(folder / "report.html")

    @property
    def subtitle(self) -> str:
        """Return what was made, in a sentence."""
        return f"{SOURCE}. Made here at scale {self.scale.name}: {self.scale.purpose}."

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return what must be read beside the numbers."""
        return (*self.result.notes, *((CAUTION,) if "training" in self.result.main.headers else ()))

    def doubts(self) -> list[str]:
        """Return the doubts about single measurements, no more than a reader can take in."""
        found = list(self.result.doubts)
        more = len(found) - MOST_DOUBTS
        return found if more <= 0 else [*found[:MOST_DOUBTS], f"and {more} more, in the folders of the runs"]

    def markdown(self) -> str:
        """Return all tables as Markdown."""
        result = self.result
        warning = [f"**{result.warning}**"] if result.warning else []
        parts = [f"# {self.table.title}", self.subtitle, self.table.asks, result.finding, *warning]
        parts += [result.main.markdown().rstrip(), result.main.caption]
        for title, grid in result.more:
            parts += [f"## {title}", grid.markdown().rstrip(), grid.caption]
        parts += ["## What differs from the paper", *self.remarks]
        if rows := result.differs:
            lines = [f"| {' | '.join(DIFFERENCES)} |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
            parts.append("\n".join(lines))
        if doubts := self.doubts():
            parts += ["## Doubts", "\n".join(f"- {doubt}" for doubt in doubts)]
        return "\n\n".join([*parts, f"`{self.command}`"]) + "\n"

    def page(self) -> Page:
        """Return the page."""
        result = self.result
        page = Page(self.table.title, self.subtitle)
        page.facts({"scale": self.scale.name, **result.facts})
        page.callout("note", f"{self.table.asks} {result.finding}")
        if result.warning:
            page.callout("warning", result.warning)
        page.section("The table")
        self._add(page, result.main)
        for figure in result.figures:
            page.figure(figure.svg, figure.caption)
        for title, grid in result.more:
            page.section(title)
            self._add(page, grid)
        page.section("What differs from the paper", "\n\n".join(self.remarks))
        if rows := result.differs:
            page.table(DIFFERENCES, rows, f"Settings of the paper ({self.table.data}) and of this scale that differ.")
        else:
            page.text("No setting of the recipes differs.")
        if doubts := self.doubts():
            page.section("Doubts", "What single measurements themselves show that speaks against believing them.")
            for doubt in doubts:
                page.text(doubt)
        page.section("Made again")
        page.command(self.command, "Make this table again, or go on with it where it stopped:")
        machine = [(name, str(value)) for name, value in self.environment.items()]
        page.table(("machine", ""), machine, "Where it was made.")
        return page

    @staticmethod
    def _add(page: Page, grid: Grid) -> None:
        half = any(isinstance(cell, Number) and cell.low is not None for row in grid.rows for cell in row)
        caption = grid.caption + (f" {HALF}" if half else "")
        page.table(grid.headers, grid.texts(short=True), caption, highlight=grid.marked)

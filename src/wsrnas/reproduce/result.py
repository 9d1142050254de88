"""What a reproduced table holds, and its cells as text."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from wsrnas.evaluation.statistics import wilson_interval
from wsrnas.evaluation.text import to_csv, to_markdown


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number with its 95 % interval, and its standard deviation over seeds where there are several."""

    value: float | int
    low: float | int | None = None
    high: float | int | None = None
    spread: float | None = None
    digits: int = 1

    @staticmethod
    def share(values: Sequence[float], images: int) -> Number:
        """Return accuracies of several seeds on the same images in percent: their mean with Wilson's interval.

        The interval is that of so many images, whatever the number of seeds. For a mean over strengths it is too
        wide rather than too narrow, since the variance of a share in [0,1] is at most p(1−p).
        """
        mean = statistics.fmean(values)
        low, high = wilson_interval(round(mean * images), images)
        spread = 100 * statistics.stdev(values) if len(values) > 1 else None
        return Number(value=100 * mean, low=100 * low, high=100 * high, spread=spread)

    def __str__(self) -> str:
        digits = self.digits
        text = f"{self.value:.{digits}f}"
        if self.low is not None and self.high is not None:
            text += f" [{self.low:.{digits}f}, {self.high:.{digits}f}]"
        return text if self.spread is None else f"{text} (sd {self.spread:.{digits}f})"

    @property
    def short(self) -> str:
        """Return the number with half the width of its interval."""
        if self.low is None or self.high is None:
            return str(self)
        text = f"{self.value:.{self.digits}f} ±{(self.high - self.low) / 2:.{self.digits}f}"
        return text if self.spread is None else f"{text} (sd {self.spread:.{self.digits}f})"


Cell: TypeAlias = Number | str | int | float | None
"""Text, a count, a number as it was printed, or one of ours; None is a dash."""


def shown(cell: Cell) -> str:
    """Return a cell as text."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "–"
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:g}"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: `rows` have a cell per header; those in `marked` stand out on the page."""

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str
    marked: frozenset[int] = frozenset()

    def texts(self, *, short: bool = False) -> list[list[str]]:
        """Return the rows as text; `short` has half the width of an interval in place of its bounds."""
        return [
            [cell.short if short and isinstance(cell, Number) else shown(cell) for cell in row] for row in self.rows
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON values: a mapping a row, numbers with their bounds."""
        rows = [[asdict(cell) if isinstance(cell, Number) else cell for cell in row] for row in self.rows]
        return {"caption": self.caption, "rows": [dict(zip(self.headers, row)) for row in rows]}

    def markdown(self) -> str:
        """Return the table as Markdown."""
        return to_markdown(self.headers, self.texts())

    def csv(self) -> str:
        """Return the table as CSV: a number's interval and spread in columns of their own, nothing rounded."""
        extras = {
            place: [name for name in ("low", "high", "spread") if any(_part(row[place], name) for row in self.rows)]
            for place in range(len(self.headers))
        }
        headers = [
            text for place, header in enumerate(self.headers)
            for text in (header, *(f"{header} {name}" for name in extras[place]))
        ]  # fmt: skip
        rows = [
            [
                text
                for place, cell in enumerate(row)
                for text in (_plain(cell), *(_part(cell, name) for name in extras[place]))
            ]
            for row in self.rows
        ]
        return to_csv(headers, rows)


def _part(cell: Cell, name: str) -> str:
    value = getattr(cell, name) if isinstance(cell, Number) else None
    return "" if value is None else f"{value:.6g}"


def _plain(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, Number):
        return f"{cell.value:.6g}"
    return str(cell)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A drawing for the page."""

    svg: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a table came to.

    `main` is what table.csv holds, `finding` says in a sentence what it shows, and `warning` what must not be missed;
    `differs` are lines of what, in the paper, here; `notes` what else must be read beside it, `doubts` what speaks
    against believing it.
    """

    main: Grid
    finding: str
    warning: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    more: tuple[tuple[str, Grid], ...] = ()
    figures: tuple[Figure, ...] = ()
    differs: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

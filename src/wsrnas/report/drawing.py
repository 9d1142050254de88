"""What all figures share: series, style, and SVG text that is the same for the same input."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wsrnas.errors import refuse
from wsrnas.report.svg import strip_prolog
from wsrnas.report.theme import CATEGORIES, GRID, INK, MUTED

Number: TypeAlias = float | int
Style = Literal["solid", "dashed", "points", "steps"]

WIDTH, HEIGHT, FONT = 6.2, 3.5, 10.0
LINES: dict[Style, Any] = {"solid": "-", "dashed": (0, (4, 2.2)), "points": "none", "steps": "-"}
_FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "wsrnas",
    "font.family": "DejaVu Sans",
    "font.size": FONT,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": FONT - 1,
    "ytick.labelsize": FONT - 1,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Series:
    """One named line, staircase or cloud of points; `low` and `high` bound a band, `colour` overrides the palette."""

    name: str
    x: Sequence[Number]
    y: Sequence[Number]
    low: Sequence[Number] | None = None
    high: Sequence[Number] | None = None
    style: Style = "solid"
    colour: str | None = None

    def __post_init__(self) -> None:
        for field in ("y", "low", "high"):
            values = getattr(self, field)
            if values is not None and len(values) != len(self.x):
                refuse(f"{field} of series {self.name!r}", expected=f"{len(self.x)} values as in x", got=len(values))


@contextmanager
def style() -> Iterator[None]:
    """Apply the house style for one drawing; matplotlib's own settings come back afterwards."""
    with matplotlib.rc_context(_STYLE):
        yield


def render(figure: Figure) -> str:
    """Return the `<svg>` element, with the reader's own sans-serif font."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    svg = strip_prolog(out.getvalue())
    return re.sub(r"'DejaVu Sans'(, [^;\"]*)?", lambda _: _FAMILY, svg)


def quiet(axes: Axes, *, x_grid: bool = False) -> None:
    """Keep only what helps reading: the base line and faint grid lines."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(True, axis="both" if x_grid else "y", color=GRID, linewidth=0.8)
    axes.tick_params(length=0, pad=5)


def colour_of(series: Series, index: int) -> str:
    """Return the series' own colour or the next of the palette."""
    return series.colour or CATEGORIES[index % len(CATEGORIES)]


def need_values(series: Sequence[Series], argument: str) -> None:
    """Refuse a figure without a single value."""
    if not any(len(one.x) for one in series):
        refuse(argument, expected="at least one series with values", got="none", remedy="leave this figure out")

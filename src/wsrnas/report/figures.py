"""Figures as SVG text: curves with intervals, scatter plots and bars; the same input gives the same bytes.

matplotlib draws them through `Figure` objects only; text stays text, so that it can be searched and read aloud.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from wsrnas.errors import refuse
from wsrnas.report.curves import curve_figure
from wsrnas.report.drawing import FONT, WIDTH, Number, Series, colour_of, need_values, quiet, render, style
from wsrnas.report.images import image_grid, noise_panel
from wsrnas.report.theme import CATEGORIES, INK, MUTED

__all__ = ["Series", "bar_figure", "curve_figure", "image_grid", "noise_panel", "scatter_figure"]


def scatter_figure(
    groups: Sequence[Series], *, x_label: str, y_label: str, diagonal: bool = True, panels: bool = False
) -> str:
    """Draw clouds of points, for example estimated against measured losses; `panels` gives each its own square.

    Points on the dashed diagonal are exact.

    Raises:
        InputError: no group has a point.
    """
    need_values(groups, "groups")
    shown = [one for one in groups if len(one.x)]
    split = [[one] for one in shown] if panels else [shown]
    columns = len(split) if len(split) <= 3 else min((3, 4), key=lambda count: (-len(split) % count, count))
    rows = math.ceil(len(split) / columns)
    size = (2.1 * columns + 0.4, 2.14 * rows + 0.3) if len(split) > 1 else (WIDTH, 4.0)
    with style():
        many = len(split) > 1
        pads = (0.09, 0.06) if many else (None, None)
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(compress=many, h_pad=pads[0], w_pad=pads[1]))
        for place, group in enumerate(split):
            axes = figure.add_subplot(rows, columns, place + 1)
            quiet(axes, x_grid=True)
            for index, one in enumerate(group):
                colour = colour_of(one, place + index)
                axes.plot(
                    one.x, one.y, "o", color=colour, markersize=4.5, alpha=0.65, markeredgewidth=0, label=one.name
                )
            if diagonal:
                values = [float(v) for one in group for v in (*one.x, *one.y) if math.isfinite(v)]
                pad = 0.06 * (max(values) - min(values)) or 0.05
                ends = (min(values) - pad, max(values) + pad)
                axes.set_xlim(*ends)
                axes.set_ylim(*ends)
                axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            axes.set_box_aspect(1)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
            axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
            if panels:
                axes.set_title(group[0].name, fontsize=FONT, loc="left", color=INK, pad=5)
            elif len(group) > 1:
                axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=FONT - 0.5)
            if len(split) == 1:
                axes.set_xlabel(x_label, labelpad=6)
                axes.set_ylabel(y_label, labelpad=6)
        if len(split) > 1:
            figure.supxlabel(x_label, fontsize=FONT, color=INK)
            figure.supylabel(y_label, fontsize=FONT, color=INK)
        return render(figure)


def bar_figure(
    labels: Sequence[str],
    values: Sequence[Number],
    *,
    x_label: str,
    texts: Sequence[str] | None = None,
    low: Sequence[Number] | None = None,
    high: Sequence[Number] | None = None,
    highlight: int | None = None,
) -> str:
    """Draw horizontal bars, first on top, each with its value (or its entry of `texts`) written beside it.

    Raises:
        InputError: no bar, or lists of different lengths.
    """
    if not values or len(labels) != len(values):
        refuse("values", expected=f"one value for each of the {len(labels)} labels, at least one", got=len(values))
    written = list(texts) if texts is not None else [f"{value:.3g}" for value in values]
    with style():
        figure = Figure(figsize=(WIDTH, 0.32 * len(values) + 0.75), layout="constrained")
        axes = figure.add_subplot()
        quiet(axes)
        axes.grid(False)
        places = list(range(len(values)))
        colours = [CATEGORIES[1] if place == highlight else CATEGORIES[0] for place in places]
        axes.barh(places, values, color=colours, height=0.66)
        ends = [float(value) for value in values]
        if low is not None and high is not None:
            axes.hlines(places, low, high, color=INK, linewidth=1.2)
            ends = [max(end, float(bound)) for end, bound in zip(ends, high)]
        for place, end, text in zip(places, ends, written):
            axes.annotate(
                text, (end, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=FONT - 0.5
            )
        axes.set_yticks(places, list(labels))
        axes.tick_params(axis="y", colors=INK)
        axes.margins(y=0.02)
        axes.invert_yaxis()
        least = min(0.0, *(float(value) for value in (*values, *(low or ()))))
        axes.set_xlim(least * 1.02, max(max(ends), 1e-12) * 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.set_xlabel(x_label, labelpad=6)
        return render(figure)

"""Curves with interval bands, each named at its right end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator, PercentFormatter

from wsrnas.report.drawing import (
    FONT,
    HEIGHT,
    LINES,
    WIDTH,
    Number,
    Series,
    colour_of,
    need_values,
    quiet,
    render,
    style,
)
from wsrnas.report.theme import MUTED, PANEL
from wsrnas.types import format_strength

DOTS: Any = (0, (1.5, 2))


def _in_levels(strength: float) -> str:
    text = format_strength(strength)
    return text if "/" in text else ""


def _apart(axes: Axes, positions: Sequence[float]) -> list[float]:
    """Return the first, the last, and those between whose labels have room."""
    drawn = axes.xaxis.get_transform().transform(np.array(positions))
    room = (drawn[-1] - drawn[0]) / 8
    kept = [0]
    for index in range(1, len(positions) - 1):
        if drawn[index] - drawn[kept[-1]] >= room and drawn[-1] - drawn[index] >= room:
            kept.append(index)
    return [positions[index] for index in sorted({*kept, len(positions) - 1})]


def _strength_axis(axes: Axes, positions: Sequence[float], symlog: bool) -> None:
    """Label an axis of strengths both in [0,1] and in grey levels k/255."""
    if symlog:
        shown = _apart(axes, positions)
        axes.set_xticks(shown, [f"{p:.3g}\n{_in_levels(p)}".rstrip() for p in shown])
        return

    def to_levels(strength: Any) -> Any:
        return strength * 255

    def from_levels(level: Any) -> Any:
        return level / 255

    levels = axes.secondary_xaxis("top", functions=(to_levels, from_levels))
    levels.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, steps=[1, 2, 4, 8, 10]))
    levels.xaxis.set_major_formatter(FuncFormatter(lambda k, _: f"{round(k)}/255" if k else "0"))
    levels.tick_params(length=0, pad=3, labelsize=FONT - 2)
    levels.spines["top"].set_visible(False)


def _end_labels(axes: Axes, series: Sequence[Series], height: float) -> None:
    """Name every line at its right end, moved apart where they would touch."""
    low, high = axes.get_ylim()
    gap = 1.25 * FONT / (0.72 * height * 72)
    ends: list[tuple[float, int]] = []
    for index, one in enumerate(series):
        finite = [float(y) for y in one.y if math.isfinite(y)]
        if finite and one.name:
            ends.append(((finite[-1] - low) / (high - low), index))
    ends.sort()
    places = [end for end, _ in ends]
    for _ in range(200):  # relaxation: neighbours closer than a line of text push each other away
        for lower in range(len(places) - 1):
            short = gap - (places[lower + 1] - places[lower])
            if short > 1e-9:
                places[lower], places[lower + 1] = places[lower] - short / 2, places[lower + 1] + short / 2
        if places and places[0] < 0:
            places = [max(place, index * gap) for index, place in enumerate(places)]
    for place, (end, index) in zip(places, ends):
        one = series[index]
        line: dict[str, Any] = {"color": colour_of(one, index), "clip_on": False, "transform": axes.transAxes}
        axes.plot([1.012, 1.03], [end, place], linewidth=0.9, **line)
        if one.style == "points":
            axes.plot([1.045], [place], "o", markersize=4, **line)
        else:
            axes.plot([1.03, 1.06], [place, place], linestyle=LINES[one.style], linewidth=2.2, **line)
        axes.annotate(one.name, (1.07, place), xycoords="axes fraction", va="center", ha="left", fontsize=FONT - 0.5)


def _level(axes: Axes, height: Number, name: str) -> None:
    axes.axhline(height, color=MUTED, linewidth=1, linestyle=DOTS, zorder=1)
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "xytext": (0, 3), "textcoords": "offset points"}
    axes.annotate(name, (0.005, height), color=MUTED, fontsize=FONT - 1.5, **place)


def _mark(axes: Axes, position: float, name: str) -> None:
    axes.axvline(position, color=MUTED, linewidth=1, linestyle=DOTS, zorder=1)
    place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "xytext": (4, -1), "textcoords": "offset points"}
    axes.annotate(name, (position, 1.0), va="top", color=MUTED, fontsize=FONT - 1.5, **place)


def _horizontal(axes: Axes, positions: Sequence[float], x_label: str, log_x: bool) -> None:
    positive = [position for position in positions if position > 0]
    symlog = log_x and bool(positive)
    if symlog:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    if "strength" in x_label.lower() and positions[-1] <= 1:
        _strength_axis(axes, positions, symlog)
    elif symlog:
        shown = _apart(axes, positions)
        axes.set_xticks(shown, [f"{position:.4g}" for position in shown])
    elif all(position == round(position) for position in positions):
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _draw(axes: Axes, one: Series, colour: str, *, marked: bool) -> None:
    if one.low is not None and one.high is not None:
        axes.fill_between(one.x, one.low, one.high, color=colour, alpha=0.16, linewidth=0)
    heights = [float(y) if math.isfinite(y) else math.nan for y in one.y]
    if one.style == "points":
        axes.plot(one.x, heights, "o", color=colour, markersize=3.6, alpha=0.55, markeredgewidth=0, label=one.name)
        return
    few = marked and len(one.x) <= 24 and one.style != "steps"
    axes.plot(
        one.x,
        heights,
        color=colour,
        linewidth=2,
        linestyle=LINES[one.style],
        drawstyle="steps-post" if one.style == "steps" else "default",
        marker="o" if few else None,
        markersize=4.5,
        markeredgecolor=PANEL,
        markeredgewidth=0.8,
        label=one.name,
    )


def curve_figure(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    chance: Number | None = None,
    percent: bool = False,
    log_x: bool = False,
    reference: tuple[Number, str] | None = None,
    marks: Mapping[Number, str] | None = None,
) -> str:
    """Draw lines with interval bands, each named at its end (in a legend where names are long).

    `percent` shows fractions as percentages from 0 up; `chance` marks the accuracy of guessing; an `x_label` that
    speaks of a strength adds labels k/255; `log_x` is linear below the smallest positive x, so that 0 stays visible.
    `reference` is a height with its name, `marks` names positions along x. A series without a name gets no label.

    Raises:
        InputError: no series has a value.
    """
    need_values(series, "series")
    direct = max(len(one.name) for one in series) <= 20
    height = max(HEIGHT, 0.19 * len(series) + 1.1)
    with style():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        quiet(axes)
        for index, one in enumerate(series):
            _draw(axes, one, colour_of(one, index), marked=all(other.style != "points" for other in series))
        axes.set_xlabel(x_label, labelpad=6)
        axes.set_ylabel(y_label, labelpad=6)
        _horizontal(axes, sorted({float(x) for one in series for x in one.x}), x_label, log_x)
        if percent:
            values = [float(y) for one in series for y in (*one.y, *(one.high or ())) if math.isfinite(y)]
            top = max([*values, 1.3 * (chance or 0), 0.05])
            axes.set_ylim(0, 1.08 * top if top < 0.9 else 1.02)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None, symbol=" %"))
        if chance is not None:
            note = f"chance {100 * chance:.3g} %" if percent else f"chance {chance:.3g}"
            _level(axes, chance, note)
        if reference is not None:
            _level(axes, *reference)
        for position, name in (marks or {}).items():
            _mark(axes, float(position), name)
        if direct:
            _end_labels(axes, series, height)
        else:
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1.1 if "strength" in x_label.lower() else 1.0), frameon=False,
                ncols=2 if max(len(one.name) for one in series) <= 38 else 1, fontsize=FONT - 0.5, borderaxespad=0,
            )  # fmt: skip
        return render(figure)

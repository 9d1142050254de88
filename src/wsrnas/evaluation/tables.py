"""The robustness curve as rows and as lines of a figure."""

from __future__ import annotations

from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.text import percent
from wsrnas.report.figures import Series, curve_figure

COLOURS = ("#0b6e4f", "#b5651d", "#3f5fa8", "#8a3b76", "#7a7a2a", "#a33a3a")
MEASURED = 2
"""Columns of a curve that every protocol has: accuracy and its interval."""


def curve_rows(found: dict[str, Evaluation], *, brief: bool = False) -> tuple[list[str], list[list[str]]]:
    """Return headers and one row per strength: every protocol's columns, the one to believe first.

    `brief` keeps what fits on a page: no radius, and of what stands beside a curve the columns that are no attack's.
    """
    first = next(iter(found.values()))
    headers = ["strength"] if brief else ["strength", "radius"]
    columns = {name: PROTOCOLS[name].columns(result) for name, result in found.items()}
    shown = {name: len(titles) - (len(found[name].attacks) if brief and len(titles) > MEASURED else 0)
             for name, titles in columns.items()}  # fmt: skip
    for name, titles in columns.items():
        headers += titles[: shown[name]]
    rows = []
    for row, strength in enumerate(first.strengths):
        cells = [first.text(row)] if brief else [first.text(row), f"{strength:.6g}"]
        for name, result in found.items():
            if strength in result.strengths:
                cells += PROTOCOLS[name].cells(result, result.strengths.index(strength))[: shown[name]]
            else:
                cells += ["–"] * shown[name]
        rows.append(cells)
    return headers, rows


def attack_columns(result: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Return what each attack left right: one row per strength, one column per attack."""
    rows = [
        [result.text(row), *[percent(values[row]) for values in result.per_attack.values()]]
        for row in range(len(result.strengths))
    ]
    return ["strength", *[f"{label} %" for label in result.per_attack]], rows


def nearest_columns(result: Evaluation, label: str) -> tuple[list[str], list[list[str]]]:
    """Return how the curve of a minimum-norm attack agrees with that of the attacks at fixed strength."""
    found = result.verified["minimum_norm"][label]
    headers = ["strength", "worst case %", f"{label} alone %", "only it broke", "only others broke", "agreement %"]
    columns = (
        map(percent, result.accuracy),
        map(percent, found["accuracy"]),
        map(str, found["broken_by_it_alone"]),
        map(str, found["missed_by_it"]),
        map(percent, found["agreement"]),
    )
    return headers, [[text, *cells] for text, *cells in zip(result.spelling.values(), *columns)]


def curve_series(result: Evaluation, name: str, *, colour: str) -> Series:
    """Return one line with its interval band, the clean point first."""
    strengths, accuracy = result.curve()
    extra = len(strengths) - len(result.strengths)
    low, high = result.ci_low, result.ci_high
    return Series(
        name,
        strengths,
        accuracy,
        low=[accuracy[0]] * extra + low,
        high=[accuracy[0]] * extra + high,
        style=PROTOCOLS[result.protocol].line,
        colour=colour,
    )


def protocol_figure(found: dict[str, Evaluation]) -> str:
    """Draw the curves of one model by protocol with intervals, the first attack alone, and the chance line."""
    first = next(iter(found.values()))
    series = []
    for place, (protocol, result) in enumerate(found.items()):
        series.append(curve_series(result, protocol, colour=COLOURS[place]))
        if result.raw_accuracy != result.accuracy:
            series.append(Series("first attack alone", result.strengths, result.raw_accuracy, style="dashed",
                                 colour=COLOURS[2]))  # fmt: skip
    label = f"strength ({first.norm} radius, pixels in [0,1])"
    return curve_figure(series, x_label=label, y_label="accuracy", chance=1 / first.classes, percent=True)

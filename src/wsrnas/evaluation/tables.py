"""The robustness curve as rows, CSV, Markdown and lines of a figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from wsrnas.evaluation.result import Evaluation
from wsrnas.report.figures import Series, curve_figure
from wsrnas.types import format_strength

COLOURS = ("#0b6e4f", "#b5651d", "#3f5fa8", "#8a3b76", "#7a7a2a", "#a33a3a")


def percent(value: float | None) -> str:
    """Write a fraction as a percentage with one decimal; a dash for nothing."""
    return "–" if value is None else f"{100 * value:.1f}"


def main_columns(headers: list[str], rows: list[list[str]], *, keep: int = 6) -> tuple[list[str], list[list[str]]]:
    """Return the columns that fit on a page: strength, the first accuracies with intervals, and the released ones."""
    chosen = [k for k, name in enumerate(headers) if k != 1 and (k < keep or name.startswith("released"))]
    return [headers[k] for k in chosen], [[row[k] for k in chosen] for row in rows]


def attack_columns(result: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Return what each attack left right: one row per strength, one column per attack."""
    rows = [
        [format_strength(strength), *[percent(values[k]) for values in result.per_attack.values()]]
        for k, strength in enumerate(result.strengths)
    ]
    return ["strength", *[f"{label} %" for label in result.per_attack]], rows


def curve_rows(found: dict[str, Evaluation]) -> tuple[list[str], list[list[str]]]:
    """Return headers and one row per strength: the strict worst case, its interval, and what stands beside it."""
    first = next(iter(found.values()))
    headers = ["strength", "radius"]
    for protocol, result in found.items():
        headers += [f"{protocol} %", f"{protocol} 95 % interval"]
        if protocol == "strict":
            headers += ["raw % (first attack alone)", "8-bit %"] + [f"{label} %" for label in result.attacks]
    rows = []
    for strength in first.strengths:
        row = [format_strength(strength), f"{strength:.6g}"]
        for protocol, result in found.items():
            if strength not in result.strengths:
                row += ["–"] * (2 + (2 + len(result.attacks) if protocol == "strict" else 0))
                continue
            k = result.strengths.index(strength)
            row += [percent(result.accuracy[k]), f"[{percent(result.ci_low[k])}, {percent(result.ci_high[k])}]"]
            if protocol == "strict":
                row += [percent(result.raw_accuracy[k]), percent(result.accuracy_eight_bit[k])]
                row += [percent(values[k]) for values in result.per_attack.values()]
        rows.append(row)
    return headers, rows


def to_csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return out.getvalue()


def to_markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown; bars inside cells are escaped."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def curve_series(result: Evaluation, name: str, *, colour: str, dashed: bool = False) -> Series:
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
        style="dashed" if dashed else "solid",
        colour=colour,
    )


def protocol_figure(found: dict[str, Evaluation]) -> str:
    """Draw strict, raw and released curves of one model with intervals and the chance line."""
    first = next(iter(found.values()))
    series = []
    for place, (protocol, result) in enumerate(found.items()):
        series.append(curve_series(result, protocol, colour=COLOURS[place], dashed=protocol == "released"))
        if protocol == "strict" and result.raw_accuracy != result.accuracy:
            series.append(Series("first attack alone", result.strengths, result.raw_accuracy, style="dashed",
                                 colour=COLOURS[2]))  # fmt: skip
    label = f"strength ({first.norm} radius, pixels in [0,1])"
    return curve_figure(series, x_label=label, y_label="accuracy", chance=1 / first.classes, percent=True)

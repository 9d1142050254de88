"""The study's tables as Markdown, in the terminal and as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page

HEADERS = ("estimator", "which", "attacks", "passes", "time", "fidelity, worst", "beyond", "loss error", "τ", "outside")
EXPLANATION = (
    "which: paper = as the paper describes it, corrected = the same with linear weights, beyond = not in the paper, "
    "real = a shorter real attack. attacks: known strengths. passes: network passes per image for the six strengths "
    "0.03 to 0.105, share of PGD at all six in brackets. time: share of the time of PGD at all six, same run. "
    "fidelity: share of the accuracy drop recovered, at the worst of the six strengths, with its 95 % interval over "
    "networks. beyond: the same at strengths above all known ones, up to twice the largest. loss error: mean "
    "|estimated − real| / real loss over the six. τ: Kendall's rank agreement of networks, mean over the six. "
    "outside: noises outside their ball or the pixel range."
)


def percent(value: float, digits: int = 1) -> str:
    """Write a share as a percentage, a dash for nothing."""
    return "–" if math.isnan(value) else f"{100 * value:.{digits}f}"


def cells(row: dict[str, Any]) -> list[str]:
    """Return the cells of one candidate under `HEADERS`."""
    worst = min(row["fidelity"][:6], key=lambda interval: interval["value"])
    known = ", ".join(f"{strength:g}" for strength in row["known"]) or "all"
    error = row["loss_error"]
    return [
        row["name"],
        row["kind"],
        known,
        f"{row['passes']} ({percent(row['passes_share'], 0)} %)",
        f"{percent(row['time_share'], 0)} %",
        f"{percent(worst['value'])} [{percent(worst['low'])}, {percent(worst['high'])}]",
        percent(row["worst_beyond"]),
        f"{percent(error['value'])} [{percent(error['low'])}, {percent(error['high'])}]",
        "–" if math.isnan(row["mean_tau"]) else f"{row['mean_tau']:.2f}",
        str(row["violations"]),
    ]


def strength_cells(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return headers and rows of fidelity by strength; known strengths read 100."""
    headers = ["estimator", *(f"{strength:g}" for strength in result["strengths"])]
    return headers, [
        [row["name"], *(percent(interval["value"]) for interval in row["fidelity"])] for row in result["rows"]
    ]


def accuracy_cells(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return headers and rows of mean accuracy: clean, real, and under every estimate (the paper's Table 5)."""
    headers = ["noise", "clean", *(f"{strength:g}" for strength in result["strengths"])]
    clean = percent(result["clean_accuracy"])
    rows = [["real PGD", clean, *(percent(value) for value in result["real_accuracy"])]]
    rows += [[row["name"], clean, *(percent(value) for value in row["accuracy"])] for row in result["rows"]]
    return headers, rows


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def verdict(result: dict[str, Any]) -> str:
    """Say in plain words which candidate the evidence speaks for and which goals it misses."""
    chosen = next(row for row in result["rows"] if row["name"] == result["chosen"])
    missed = [goal for goal, met in chosen["goals_met"].items() if not met]
    known = len(chosen["known"])
    sentence = f"The evidence of this run speaks for {chosen['name']} (N1 = {known}, {chosen['passes']} passes)."
    if missed:
        return f"{sentence} It misses the goals for: {', '.join(missed)}."
    return f"{sentence} It meets every goal."


def to_markdown(result: dict[str, Any]) -> str:
    """Return the whole result as Markdown."""
    return "\n\n".join(
        [
            f"# Noise estimators: {result['title']}",
            verdict(result),
            markdown_table(HEADERS, [cells(row) for row in result["rows"]]),
            EXPLANATION,
            "## Fidelity by strength, in percent",
            markdown_table(*strength_cells(result)),
            "## Accuracy by strength, in percent, mean over the test networks",
            markdown_table(*accuracy_cells(result)),
            "",
        ]
    )


def show(result: dict[str, Any]) -> None:
    """Print the main table and the verdict."""
    table = Table(title=result["title"])
    for header in HEADERS:
        table.add_column(header, overflow="fold")
    for row in result["rows"]:
        table.add_row(*cells(row))
    console = Console()
    console.print(table)
    console.print(verdict(result))


def page(result: dict[str, Any], command: str) -> Page:
    """Return the result as a page."""
    chosen = next(index for index, row in enumerate(result["rows"]) if row["name"] == result["chosen"])
    best = result["rows"][chosen]
    built = Page("Noise estimators", result["title"])
    built.facts(
        {
            "chosen": best["name"],
            "of the passes of PGD at six strengths": f"{percent(best['passes_share'], 0)} %",
            "of the accuracy drop, worst strength": f"{percent(best['worst_inside'])} %",
            "mean loss error": f"{percent(best['loss_error']['value'])} %",
        }
    )
    good = all(best["goals_met"].values())
    built.callout("good" if good else "warning", verdict(result))
    built.section("All candidates", EXPLANATION)
    built.table(HEADERS, [cells(row) for row in result["rows"]], "Every candidate.", highlight=chosen)
    shown = _shown(result, chosen)
    series = [_curve(row, result["strengths"]) for row in shown]
    figure = curve_figure(series, x_label="strength", y_label="fidelity", percent=True, reference=(0.97, "goal, 97 %"))
    built.section("Fidelity by strength", "Share of the accuracy drop recovered; at a known strength it is exact.")
    built.figure(figure, "Fidelity of the chosen candidate and of the paper's, with 95 % intervals over networks.")
    built.table(*strength_cells(result), "Fidelity by strength, in percent.", highlight=chosen)
    built.section("Accuracy by strength", "The paper's Table 5, mean over the test networks, in percent.")
    built.table(*accuracy_cells(result), "Accuracy under real and estimated noises.")
    return built.command(command, "Run this study again, or go on with it where it stopped:")


def _shown(result: dict[str, Any], chosen: int) -> list[dict[str, Any]]:
    rows = result["rows"]
    return [rows[chosen], *(row for row in rows if row["kind"] == "paper" and row["name"] != rows[chosen]["name"])]


def _curve(row: dict[str, Any], strengths: Sequence[float]) -> Series:
    intervals = row["fidelity"]
    kept = [place for place in range(len(strengths)) if not math.isnan(intervals[place]["value"])]
    banded = all(not math.isnan(intervals[place]["low"]) for place in kept)
    return Series(
        row["name"],
        [strengths[place] for place in kept],
        [intervals[place]["value"] for place in kept],
        low=[intervals[place]["low"] for place in kept] if banded else None,
        high=[intervals[place]["high"] for place in kept] if banded else None,
    )

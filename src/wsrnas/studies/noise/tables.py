"""The study's tables as Markdown, in the terminal and as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page
from wsrnas.studies.noise.candidates import PAPER_STRENGTHS
from wsrnas.studies.noise.summary import GOAL_FIDELITY
from wsrnas.studies.shown import print_table

HEADERS = ("estimator", "which", "passes", "fidelity, worst", "beyond", "loss error", "τ")
EXPLANATION = (
    "which: paper = as the paper describes it, corrected = the same with linear weights, beyond = not in the paper, "
    "real = a shorter real attack. passes: network passes per image for the six strengths 0.03 to 0.105. fidelity: "
    "share of the accuracy drop recovered, at the worst of the six strengths. beyond: the same at strengths above all "
    "known ones, up to twice the largest. loss error: mean |estimated − real| / real loss over the six. τ: Kendall's "
    "rank agreement of networks by estimated and by real loss, mean over the six. In square brackets 95 % intervals "
    "over networks. Fidelity, beyond and loss error in percent."
)
NOISE_HEADERS = ("estimator", "attacks", "passes", "time", "lowest τ", "MSE", "outside")
NOISE_EXPLANATION = (
    "attacks: strengths attacked for real. passes and time: share of those of PGD at all six strengths, time in the "
    "same run. lowest τ: where its 95 % interval over networks begins. MSE: mean ((estimate − real noise)/strength)² "
    "over the estimated strengths. outside: noises outside their ball or the pixel range."
)


def percent(value: float, digits: int = 1) -> str:
    """Write a share as a percentage, a dash for nothing."""
    return "–" if math.isnan(value) else f"{100 * value:.{digits}f}"


def worst(row: dict[str, Any]) -> dict[str, float]:
    """Return fidelity with its interval at the worst of the paper's strengths, which come first."""
    return min(row["fidelity"][: len(PAPER_STRENGTHS)], key=lambda interval: interval["value"])


def cells(row: dict[str, Any], *, intervals: bool = True) -> list[str]:
    """Return the cells of one candidate under `HEADERS`."""
    return [
        row["name"],
        row["kind"],
        str(row["passes"]),
        _shares(worst(row)) if intervals else percent(worst(row)["value"]),
        percent(row["worst_beyond"]),
        _shares(row["loss_error"]) if intervals else percent(row["loss_error"]["value"]),
        _number(row["mean_tau"]["value"]),
    ]


def noise_cells(row: dict[str, Any]) -> list[str]:
    """Return the cells of one candidate under `NOISE_HEADERS`."""
    known = ", ".join(f"{strength:g}" for strength in row["known"]) or "all"
    return [
        row["name"],
        known,
        f"{percent(row['passes_share'], 0)} %",
        f"{percent(row['time_share'], 0)} %",
        _number(row["mean_tau"]["low"]),
        f"{row['squared_error']:.3f}",
        str(row["violations"]),
    ]


def _shares(interval: dict[str, float]) -> str:
    return f"{percent(interval['value'])} [{percent(interval['low'])}, {percent(interval['high'])}]"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


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
    low = worst(chosen)["low"]
    if low < GOAL_FIDELITY:
        start = f"the interval of its worst fidelity begins at {percent(low)} %, below 97 %"
        return f"{sentence} It meets every goal; {start}."
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
            "## Cost in time, and the noises themselves",
            markdown_table(NOISE_HEADERS, [noise_cells(row) for row in result["rows"]]),
            NOISE_EXPLANATION,
            "## Accuracy by strength, in percent, mean over the test networks",
            markdown_table(*accuracy_cells(result)),
            "",
        ]
    )


def show(result: dict[str, Any]) -> None:
    """Print the main table without intervals, and the verdict."""
    rows = [cells(row, intervals=False) for row in result["rows"]]
    print_table(result["title"], HEADERS, rows, verdict(result))


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
    built.table(
        HEADERS, [cells(row) for row in result["rows"]], "Every candidate; the chosen one is marked.", highlight=chosen
    )
    shown = [result["rows"][chosen], *_of_the_paper(result, chosen)]
    series = [_curve(row, result["strengths"], banded=row is best) for row in shown]
    figure = curve_figure(series, x_label="strength", y_label="fidelity in percent", reference=(97, "goal, 97 %"))
    built.section("Fidelity by strength", "Share of the accuracy drop recovered; at a known strength it is exact.")
    built.figure(figure, "The chosen candidate, with its 95 % interval over networks, and the paper's.")
    built.table(*strength_cells(result), "Fidelity by strength, in percent.", highlight=chosen)
    built.section("Cost in time, and the noises themselves", NOISE_EXPLANATION)
    built.table(
        NOISE_HEADERS,
        [noise_cells(row) for row in result["rows"]],
        "Every candidate; the chosen one is marked.",
        highlight=chosen,
    )
    built.section("Accuracy by strength", "The paper's Table 5, mean over the test networks, in percent.")
    built.table(*accuracy_cells(result), "Accuracy under real and estimated noises.")
    return built.command(command, "Run this study again, or go on with it where it stopped:")


def _of_the_paper(result: dict[str, Any], chosen: int) -> list[dict[str, Any]]:
    return [row for place, row in enumerate(result["rows"]) if row["kind"] == "paper" and place != chosen]


def _curve(row: dict[str, Any], strengths: Sequence[float], *, banded: bool) -> Series:
    found = [(s, interval) for s, interval in zip(strengths, row["fidelity"]) if not math.isnan(interval["value"])]
    banded = banded and all(not math.isnan(interval["low"]) for _, interval in found)
    return Series(
        row["name"],
        [strength for strength, _ in found],
        [100 * interval["value"] for _, interval in found],
        low=[100 * interval["low"] for _, interval in found] if banded else None,
        high=[100 * interval["high"] for _, interval in found] if banded else None,
    )

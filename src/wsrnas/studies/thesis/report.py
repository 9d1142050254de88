"""The study of the thesis as Markdown, in the terminal and as a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page
from wsrnas.studies.gains import Cells, gains_table, told_apart
from wsrnas.studies.noise.tables import markdown_table
from wsrnas.studies.shown import gains_figure, print_table
from wsrnas.types import format_strength

EXPLANATION = (
    "Searches that look at few or at many strengths take the same image passes. Their winners are trained again with "
    "seeds that no search saw and compared on test images that no search read. Gains are in points of accuracy; "
    "intervals are percentiles of draws that take searches, opponents and test images with replacement. With few "
    "searches such intervals are too narrow."
)


def words(result: dict[str, Any]) -> dict[str, str]:
    """Return what every opponent of the widest case is called."""
    cases = {
        name: f"searching at {', '.join(map(format_strength, strengths))}"
        for name, strengths in result["cases"].items()
    }
    return {**cases, "same-size": "random architectures of its size"}


def tables(result: dict[str, Any]) -> dict[str, Cells]:
    """Return the tables of gains: over all strengths, and over the large ones."""
    known, widest = words(result), result["widest"]
    first = f"{widest} strengths against"
    return {which: gains_table(result[which], known, first) for which in ("wide", "large")}


def winners(result: dict[str, Any]) -> Cells:
    """Return the table of the winner of every search, trained again."""
    names = ["clean" if not strength else format_strength(strength) for strength in result["strengths"]]
    rows = [
        [
            f"{index + 1}",
            case,
            f"{one['candidates']}",
            f"{one['parameters']:,}",
            f"{one['cost']:,}",
            *(f"{100 * a:.1f}" for a in one["accuracy"]),
        ]
        for index, found in enumerate(result["searches"])
        for case, one in found.items()
    ]
    return ["search", "case", "candidates", "weights", "image passes", *names], rows


def verdict(result: dict[str, Any]) -> str:
    """Say in plain words whether more strengths helped."""
    known = words(result)
    said = [
        f"Over {'all' if which == 'wide' else 'the large'} strengths, searching at {result['widest']} strengths is "
        + "; ".join(told_apart(one, known[name]) for name, one in result[which].items())
        + "."
        for which in ("wide", "large")
    ]
    if result["done"] != result["registered"]:
        said.append(f"{result['done']} of {result['registered']} searches done.")
    return " ".join(said)


def to_markdown(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    found = tables(result)
    return "\n\n".join(
        [
            f"# Do more strengths help a search? {result['title']}",
            verdict(result),
            EXPLANATION,
            "## Over all strengths",
            markdown_table(*found["wide"]),
            "## Over the large strengths",
            markdown_table(*found["large"]),
            "## Winners",
            markdown_table(*winners(result)),
            "## Rules, fixed before the first training",
            "\n".join(f"* {rule}" for rule in result["rules"]),
            "",
        ]
    )


def show(result: dict[str, Any]) -> None:
    """Print the gains and what they mean."""
    print_table(result["title"], *tables(result)["wide"], verdict(result))


def page(result: dict[str, Any], command: str) -> Page:
    """Return the result as a page."""
    built, known, found = Page("Do more strengths help a search?", result["title"]), words(result), tables(result)
    built.callout("note", verdict(result))
    built.section("Accuracy of the winners", EXPLANATION)
    built.figure(_curves(result), "Winners of every case trained again, mean over the searches.")
    for which, told in (("wide", "all strengths"), ("large", "the upper third of the strengths")):
        built.section(f"Gains over {told}")
        drawing = gains_figure(result[which], known)
        built.figure(drawing, "Mean gain of the widest case with its 95 % interval.")
        built.table(*found[which], f"Mean accuracy over {told}.")
    built.section("Winners")
    built.table(*winners(result), "Winners trained again with fresh seeds, test accuracy in percent.")
    built.section("Rules", "Fixed before the first training, and written into config.yaml.")
    for rule in result["rules"]:
        built.text(rule)
    return built.command(command, "Run this study again, or go on with it where it stopped:")


def _curves(result: dict[str, Any]) -> str:
    series = []
    for case in result["cases"]:
        rows = np.array([found[case]["accuracy"] for found in result["searches"]])
        low, high = rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
        series.append(Series(case, result["strengths"], rows.mean(axis=0).tolist(), low, high))
    return curve_figure(series, x_label="strength of the attack (L∞ radius)", y_label="accuracy", percent=True)

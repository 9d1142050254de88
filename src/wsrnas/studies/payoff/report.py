"""The study of what a search is worth as Markdown, in the terminal and as a page."""

from __future__ import annotations

from typing import Any

from wsrnas.report.figures import Series, scatter_figure
from wsrnas.report.page import Page
from wsrnas.studies.gains import Cells, gains_table, told_apart
from wsrnas.studies.noise.tables import markdown_table
from wsrnas.studies.shown import gains_figure, print_table
from wsrnas.types import format_strength

WORDS = {
    "same-size": "random architectures of its size",
    "random-search": "random search at equal cost",
    "largest": "the largest architecture",
    "one-shot": "ours under shared weights",
    "paper": "the paper's preset",
}
EXPLANATION = (
    "The winner of every search is trained again with seeds that no search saw and compared, on test images that no "
    "search read, with what it has to beat. Gains are in points of accuracy; intervals are percentiles of draws that "
    "take searches, opponents and test images with replacement. With few searches such intervals are too narrow."
)


def table_of(gains: dict[str, dict[str, Any]]) -> Cells:
    """Return the table of gains by opponent."""
    return gains_table(gains, WORDS, "winner against")


def winners(result: dict[str, Any]) -> Cells:
    """Return the table of the winner of every search, trained again."""
    names = ["clean" if not strength else format_strength(strength) for strength in result["strengths"]]
    rows = [
        [
            f"{index + 1}",
            name,
            f"{one['parameters']:,}",
            f"{one['cost']:,}",
            *(f"{100 * a:.1f}" for a in one["accuracy"]),
        ]
        for index, found in enumerate(result["searches"])
        for name, one in found.items()
    ]
    return ["search", "strategy", "weights", "image passes", *names], rows


def verdict(result: dict[str, Any]) -> str:
    """Say in plain words what the search gained, what it did not, and what is open."""
    parts = [told_apart(one, WORDS[name]) for name, one in result["against"].items()]
    done = (
        "" if result["done"] == result["registered"] else f" {result['done']} of {result['registered']} searches done."
    )
    return f"The winner is {'; '.join(parts)}.{done}"


def to_markdown(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    return "\n\n".join(
        [
            f"# What a search is worth: {result['title']}",
            verdict(result),
            EXPLANATION,
            markdown_table(*table_of(result["against"])),
            "## Weighted as Eq. 10 weighs losses",
            markdown_table(*table_of(result["objective"])),
            "## Winners",
            markdown_table(*winners(result)),
            "## Rules, fixed before the first training",
            "\n".join(f"* {rule}" for rule in result["rules"]),
            "",
        ]
    )


def show(result: dict[str, Any]) -> None:
    """Print the gains and what they mean."""
    print_table(result["title"], *table_of(result["against"]), verdict(result))


def page(result: dict[str, Any], command: str, drawing: str) -> Page:
    """Return the result as a page; `drawing` shows the winner of the first search."""
    built = Page("What is a search worth?", result["title"])
    against = result["against"]
    built.facts({f"points over {WORDS[name]}": f"{one['gain']:+.1f}" for name, one in against.items()})
    better = all(one["low"] > 0 for name, one in against.items() if name in ("same-size", "random-search"))
    built.callout("good" if better else "note", verdict(result))
    built.section("Gains in wide accuracy", EXPLANATION)
    built.figure(
        gains_figure(against, WORDS), "Mean gain of the winner with its 95 % interval, in points of wide accuracy."
    )
    built.table(*table_of(against), "Wide accuracy: the mean over the strengths above 0.")
    built.table(*table_of(result["objective"]), "The same in accuracy weighted as Eq. 10 weighs losses.")
    built.figure(_each(against), "Gain of every search; above 0 the winner is better.")
    built.section("Winners")
    built.figure(drawing, "The winner of the first search.", panel=True)
    built.table(*winners(result), "Winners trained again with fresh seeds, test accuracy in percent.")
    built.section("Rules", "Fixed before the first training, and written into config.yaml.")
    for rule in result["rules"]:
        built.text(rule)
    return built.command(command, "Run this study again, or go on with it where it stopped:")


def _each(against: dict[str, dict[str, Any]]) -> str:
    groups = [Series(WORDS[name], list(range(1, one["searches"] + 1)), one["each"]) for name, one in against.items()]
    return scatter_figure(groups, x_label="search", y_label="gain in points", diagonal=False)

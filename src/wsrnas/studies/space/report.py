"""The study of what a space holds as Markdown, in the terminal and as a page."""

from __future__ import annotations

from typing import Any

from wsrnas.report.figures import Series, bar_figure, scatter_figure
from wsrnas.report.page import Page
from wsrnas.studies.noise.tables import markdown_table
from wsrnas.studies.shown import print_table

Cells = tuple[list[str], list[list[str]]]

EXPLANATION = (
    "Random architectures of one size are each trained alone several times, briefly and until the learning rate has "
    "fallen to nothing, and attacked on the test set. Wide accuracy is the mean over the strengths above 0, in points. "
    "Its variance is split into what architectures differ by, what training seeds of one architecture differ by, and "
    "what the choice of test images adds to one network's score; 95 % intervals by generalised pivotal quantities."
)
GAINS = (
    "By how much the best of so many random architectures beats their mean: σ_A·ρ·E[max], chosen by labels of one or "
    "two trainings, or by the truth, which no search among them can pass. A search that learns can look at better ones "
    "than random; its labels are no better. "
    "The formula takes architectures to be distributed normally. Where a few bad ones make most of the spread it "
    "promises too much; what was observed among the architectures at hand assumes nothing."
)
NEEDS = (
    "How many searches, each judged by two fresh trainings against eight random architectures of its size, show such a "
    "gain at the level 0.05 with power 0.8; and how many seeds of each of two given architectures do."
)


def written(found: dict[str, float], digits: int = 1) -> str:
    """Write an estimate with its interval."""
    value, low, high = (f"{found[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def deviations(result: dict[str, Any]) -> Cells:
    """Return the table of standard deviations."""
    words = {
        "architecture": "between architectures",
        "seed": "between training seeds of one",
        "sampling": "by the test images drawn",
    }
    rows = [[word, written(result["deviation"][name], 2)] for name, word in words.items()]
    return ["standard deviation of wide accuracy", "points"], rows


def gains(result: dict[str, Any]) -> Cells:
    """Return the table of gains of the best of k."""
    kinds = list(next(iter(result["gains"].values())))
    rows = [[f"best of {count}", *(written(row[kind]) for kind in kinds)] for count, row in result["gains"].items()]
    seen = result["observed"]
    rows.append([f"best of {seen['of']}, observed", f"{seen['gain']:.1f}", *("–" for _ in kinds[1:])])
    return ["gain in points", *(f"chosen by {kind}" for kind in kinds)], rows


def needs(result: dict[str, Any]) -> Cells:
    """Return the table of what a claim takes."""
    kinds = list(next(iter(result["needs"].values())))
    rows = [[f"{gain} points", *(written(row[kind], 0) for kind in kinds)] for gain, row in result["needs"].items()]
    return ["to show a gain of", *kinds], rows


def summary(result: dict[str, Any]) -> str:
    """Say in plain words what is there to find."""
    spread, p_value = result["deviation"], result["p_value"]
    differ = "" if p_value is None else f" (architectures do not differ: p = {p_value:.2g})"
    return (
        f"{result['verdict']} Architectures of this size differ by a standard deviation of "
        f"{written(spread['architecture'])} points of wide accuracy{differ}, training seeds by "
        f"{written(spread['seed'])}, test images add {written(spread['sampling'])}; one training alone agrees with the "
        f"architecture's own accuracy by ρ² = {written(result['reliability'], 2)}."
    )


def to_markdown(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    return "\n\n".join(
        [
            f"# What is there to find: {result['title']}",
            summary(result),
            EXPLANATION,
            markdown_table(*deviations(result)),
            f"## What the best of k gains\n\n{GAINS}",
            markdown_table(*gains(result)),
            f"## What a claim takes\n\n{NEEDS}",
            markdown_table(*needs(result)),
            "",
        ]
    )


def show(result: dict[str, Any]) -> None:
    """Print the variances and what they mean."""
    print_table(result["title"], *deviations(result), summary(result))


def page(result: dict[str, Any], command: str, best: str, worst: str) -> Page:
    """Return the result as a page; `best` and `worst` are drawings of the architectures at both ends."""
    built = Page("What is there to find?", result["title"])
    built.facts(
        {
            "points, sd of architectures": f"{result['deviation']['architecture']['value']:.2f}",
            "points, sd of training seeds": f"{result['deviation']['seed']['value']:.2f}",
            "ρ² of one training": f"{result['reliability']['value']:.2f}",
            "points, best of 20 by one training": f"{result['gains']['20']['one training']['value']:.1f}",
        }
    )
    built.callout("note", summary(result))
    built.section("Do architectures differ by more than their seeds?", EXPLANATION)
    built.figure(_seeds(result), "Every training of every architecture, architectures by their mean.")
    built.table(*deviations(result), "Standard deviations with 95 % intervals.")
    built.figure(_bars(result), "Mean over the seeds, first the best.")
    built.figure(_work(result), "At one number of weights, multiply-adds still differ.")
    built.figure(best, "The best of them, by the mean of its seeds.", panel=True)
    built.figure(worst, "The worst of them.", panel=True)
    built.section("What would a search gain?", GAINS)
    built.table(*gains(result), "Gain over the mean of random architectures of this size, with 95 % intervals.")
    built.section("What does a claim take?", NEEDS)
    built.table(*needs(result), "Searches, and seeds, with 95 % intervals.")
    return built.command(command, "Run this study again, or go on with it where it stopped:")


def _seeds(result: dict[str, Any]) -> str:
    rows = [result["architectures"][place] for place in result["order"]]
    count = len(rows[0]["wide"])
    groups = [
        Series(f"seed {seed + 1}", list(range(1, len(rows) + 1)), [row["wide"][seed] for row in rows])
        for seed in range(count)
    ]
    return scatter_figure(groups, x_label="architecture", y_label="wide accuracy in points", diagonal=False)


def _bars(result: dict[str, Any]) -> str:
    rows = [result["architectures"][place] for place in result["order"]]
    means = [sum(row["wide"]) / len(row["wide"]) for row in rows]
    low, high = [min(row["wide"]) for row in rows], [max(row["wide"]) for row in rows]
    names = [str(row.get("id", place + 1)) for place, row in zip(result["order"], rows)]
    return bar_figure(
        names,
        means,
        x_label="wide accuracy in points, with the range of the seeds",
        low=low,
        high=high,
        texts=[f"{mean:.1f}" for mean in means],
    )


def _work(result: dict[str, Any]) -> str:
    rows = result["architectures"]
    x = [row["multiply_adds"] / 1000 for row in rows]
    y = [sum(row["wide"]) / len(row["wide"]) for row in rows]
    group = Series("architectures", x, y)
    return scatter_figure([group], x_label="thousand multiply-adds", y_label="wide accuracy in points", diagonal=False)

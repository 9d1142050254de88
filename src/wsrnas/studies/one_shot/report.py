"""The study of one-shot ranks as Markdown, as CSV, in the terminal and as a page."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from wsrnas.report.figures import Series, bar_figure, curve_figure, scatter_figure
from wsrnas.report.page import Page
from wsrnas.studies.noise.tables import markdown_table
from wsrnas.studies.shown import print_table

Cells = tuple[list[str], list[list[str]]]

EXPLANATION = (
    "Kendall's τ between one-shot losses and the losses of the same genotypes trained alone (mean over training "
    "seeds), with 95 % bootstrap intervals over genotypes. wide: mean loss over the strengths. accuracy: mean one-shot "
    "loss over the strengths against stand-alone accuracy, mean over the strengths.\n\n"
    "Samples that the super-network is trained on: genotype (what is measured is what is built) or all-edges (every "
    "edge carries an operation, as in the paper). as searched: each label measured once, right after its own update, "
    "at an evenly spread moment. refreshed: the same, and after every label the oldest of the best quarter is measured "
    "again. at the end: all measured under the final weights. all-edges networks contain the genotype's operations and "
    "random ones on the other edges; 'genotype at the end' measures the genotype itself in the super-network trained "
    "on them. parameters: more weights, lower loss. another training seed: the ceiling, one stand-alone training "
    "against another."
)
CHOOSING = (
    "The genotype with the lowest one-shot value is chosen; judged by its stand-alone accuracy, mean over the "
    "strengths, in percent. Gains are over the mean of all genotypes, which is what a random choice gives; 95 % "
    "bootstrap intervals over genotypes."
)
TRAINED_ALONE = (
    "So many finalists, the best by their labels, are each trained alone once; the one of the lowest loss is judged by "
    "its accuracy in another training, and compared with the mean of all genotypes. One finalist is the choice by "
    "labels alone. Points of accuracy: the mean over the strengths, or weighted as Eq. 10 weighs losses."
)
EQUAL_COST = (
    "With the budget that scoring every genotype by one attacked strength takes, a dearer selection scores fewer: "
    "expected stand-alone accuracy of the best of a random subset. 'scoring' charges attacks and forward passes on "
    "D_v; 'training' also an epoch of training the shared weights per genotype, as in a search. Cheaper selections "
    "cannot score more genotypes than there are. For 'all but one estimated' the losses of real attacks stand in for "
    "estimates."
)


def interval(found: dict[str, float | None], *, percent: bool = False) -> str:
    """Write an estimate with its interval, a dash for nothing."""
    value, low, high = (_written(found[key], percent) for key in ("value", "low", "high"))
    return value if "–" in (low, high) else f"{value} ({low} to {high})"


def _written(number: float | None, percent: bool) -> str:
    if number is None or math.isnan(number):
        return "–"
    return f"{100 * number:.1f}" if percent else f"{number:.2f}"


MAIN = ("clean", "wide", "Eq. 10", "accuracy")


def correlations(result: dict[str, Any], kind: str = "tau") -> Cells:
    """Return the table of a correlation by variant, with intervals, for the losses that sum up."""
    places = [result["heads"].index(name) for name in MAIN]
    rows = [[name, *(interval(kinds[kind][place]) for place in places)] for name, kinds in result["variants"].items()]
    return ["one-shot losses", *MAIN], rows


def by_loss(result: dict[str, Any], kind: str = "tau") -> Cells:
    """Return the table of a correlation by variant and loss, without intervals."""
    rows = [
        [name, *(_written(found["value"], percent=False) for found in kinds[kind])]
        for name, kinds in result["variants"].items()
    ]
    return ["one-shot losses", *result["heads"]], rows


def differences(result: dict[str, Any]) -> Cells:
    """Return the table of paired differences of τ."""
    rows = [
        [f"{row['first']} − {row['second']}", *(interval(found) for found in row["tau"])]
        for row in result["differences"]
    ]
    return ["difference of τ", "Eq. 10", "accuracy"], rows


def by_updates(result: dict[str, Any]) -> Cells:
    """Return the table of τ of the genotypes themselves after so many updates."""
    places = [result["heads"].index(name) for name in MAIN]
    rows = [
        [sampling, update, *(interval(kinds["tau"][place]) for place in places)]
        for sampling, updates in result["checkpoints"].items()
        for update, kinds in updates.items()
    ]
    return ["sampling", "updates", *MAIN], rows


def chosen(result: dict[str, Any], variant: str) -> Cells:
    """Return the table of what choosing by each selection gives."""
    rows = [
        [
            row["selection"],
            *(interval(row[key], percent=True) for key in ("best", "gain", "three", "gain_three")),
        ]
        for row in result["choosing"][variant]
    ]
    return ["chosen by", "best", "gain", "mean of best three", "gain of best three"], rows


def equal_cost(result: dict[str, Any], variant: str) -> Cells:
    """Return the table of choosing at equal cost."""
    rows = []
    for row in result["equal_cost"][variant]:
        cells = [row["selection"], f"{row['passes']:,}"]
        for kind in ("scoring", "training"):
            cells += [f"{row[kind]['scored']:.1f}", interval(row[kind]["best"], percent=True)]
        rows.append(cells)
    return ["chosen by", "passes each", "scored", "best (scoring)", "scored ", "best (training)"], rows


def finalists_table(result: dict[str, Any]) -> Cells:
    """Return the table of what training the finalists alone is worth."""
    rows = [
        [row["objective"], str(row["finalists"]), interval(row["gain"], percent=True)]
        for row in result["trained_finalists"]
    ]
    return ["objective", "finalists", "gain over a random genotype"], rows


def verdict(result: dict[str, Any]) -> str:
    """Say in plain words what the ranks are worth."""
    heads, spread = result["heads"], result["spread"]
    place = heads.index("accuracy")
    searched = result["variants"]["genotype, as searched"]["tau"][place]
    ceiling = result["variants"]["another training seed"]["tau"][place]
    return (
        f"Labels of a search agree with stand-alone wide accuracy by τ = {interval(searched)}; two trainings of the "
        f"same genotypes agree by {interval(ceiling)}. Genotypes differ by a standard deviation of "
        f"{100 * spread['genotypes']:.1f} points of wide accuracy ({100 * spread['genotypes_given_size']:.1f} around "
        f"the line over their size), training seeds by {100 * spread['seeds']:.1f}."
    )


def refreshing(result: dict[str, Any]) -> str:
    """Say in plain words what measuring labels again changed."""
    parts = [
        f"{sampling}: {found['changed']} labels measured again, mean loss over the strengths changed by "
        f"{found['shift']:+.2f} (standard deviation of the labels {found['sd_of_labels']:.2f})"
        for sampling, found in result["refresh"].items()
    ]
    return "Refreshing. " + "; ".join(parts) + "."


def to_markdown(result: dict[str, Any]) -> str:
    """Return the whole result as Markdown."""
    parts = [
        f"# One-shot ranks: {result['title']}",
        verdict(result),
        EXPLANATION,
        markdown_table(*correlations(result)),
    ]
    parts += ["## τ by loss", markdown_table(*by_loss(result))]
    parts += ["## Spearman's ρ by loss", markdown_table(*by_loss(result, "rho"))]
    parts += ["## τ given the number of parameters (partial)", markdown_table(*correlations(result, "tau_given_size"))]
    parts += ["## Differences of τ, paired", markdown_table(*differences(result)), refreshing(result)]
    parts += ["## By number of updates (the genotypes themselves)", markdown_table(*by_updates(result))]
    gain = interval(result["spread"]["gain_of_training"], percent=True)
    parts += [
        "## Choosing",
        CHOOSING,
        f"A random choice: {100 * result['random_accuracy']:.1f}. "
        f"Gain of choosing by another stand-alone training: {gain}.",
    ]
    for variant in result["choosing"]:
        parts += [f"### {variant}", markdown_table(*chosen(result, variant))]
    parts += ["## Finalists trained alone", TRAINED_ALONE, markdown_table(*finalists_table(result))]
    parts += ["## Choosing at equal cost", EQUAL_COST]
    for variant in result["equal_cost"]:
        parts += [f"### {variant}", markdown_table(*equal_cost(result, variant))]
    return "\n\n".join([*parts, ""])


def to_csv(result: dict[str, Any]) -> str:
    """Return one line per genotype, source of losses and loss."""
    strengths = [name for name in result["heads"] if name not in ("wide", "Eq. 10", "accuracy")]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["genotype", "parameters", "source", "strength", "loss", "accuracy"])
    for row in result["genotypes"]:
        sources = [(name, losses, [""] * len(losses)) for name, losses in row["one_shot"].items()]
        for seed, score in enumerate(row["alone"]):
            sources.append((f"alone, seed {seed}", score["losses"], score["accuracy"]))
        for name, losses, accuracy in sources:
            for strength, loss, right in zip(strengths, losses, accuracy):
                writer.writerow([row["id"], row["parameters"], name, strength, loss, right])
    return out.getvalue()


def show(result: dict[str, Any]) -> None:
    """Print the main table and the verdict."""
    print_table(result["title"], *correlations(result), verdict(result))


def page(result: dict[str, Any], command: str) -> Page:
    """Return the result as a page."""
    built = Page("One-shot ranks", result["title"])
    place = result["heads"].index("accuracy")
    variants = result["variants"]
    built.facts(
        {
            "τ as searched (accuracy)": f"{variants['genotype, as searched']['tau'][place]['value']:.2f}",
            "τ of the parameter count": f"{variants['parameters']['tau'][place]['value']:.2f}",
            "τ between two trainings": f"{variants['another training seed']['tau'][place]['value']:.2f}",
            "points, sd of genotypes": f"{100 * result['spread']['genotypes']:.1f}",
            "points, sd of training seeds": f"{100 * result['spread']['seeds']:.1f}",
        }
    )
    built.callout("note", verdict(result))
    built.section("Do ranks agree?", EXPLANATION)
    built.figure(
        _bars(variants, place), "τ of one-shot losses with stand-alone wide accuracy, by where they come from."
    )
    built.table(*correlations(result), "Kendall's τ with 95 % intervals.")
    built.table(*by_loss(result), "Kendall's τ by loss.")
    built.table(*by_loss(result, "rho"), "Spearman's ρ by loss.")
    built.table(*correlations(result, "tau_given_size"), "Partial τ, the number of parameters given.")
    built.table(*differences(result), "Paired differences of τ; an interval without 0 decides.")
    built.text(refreshing(result))
    built.section("How many updates?", "τ of the genotypes themselves under the shared weights as they are trained.")
    built.figure(_curves(result, place), "τ with stand-alone wide accuracy against updates of the super-network.")
    built.table(*by_updates(result), "τ after so many updates.")
    built.section("One-shot loss against stand-alone loss", "One point per genotype, one panel per loss.")
    for name in ("genotype, as searched", "genotype, at the end", "all-edges, as searched"):
        built.figure(_scatter(result, name), f"Labels: {name}.")
    built.section("What choosing is worth", CHOOSING)
    gain = interval(result["spread"]["gain_of_training"], percent=True)
    built.text(
        f"A random choice gives {100 * result['random_accuracy']:.1f} %. Choosing the best by one stand-alone training "
        f"and judging it by another gains {gain} points: more than that there hardly is to gain."
    )
    for variant in result["choosing"]:
        built.table(*chosen(result, variant), f"Chosen by losses: {variant}.")
    built.section("Finalists trained alone", TRAINED_ALONE)
    built.table(*finalists_table(result), "Finalists are those of the lowest labels of genotype sampling, as searched.")
    built.section("At equal cost", EQUAL_COST)
    for variant in result["equal_cost"]:
        built.table(*equal_cost(result, variant), f"Chosen by losses: {variant}.")
    return built.command(command, "Run this study again, or go on with it where it stopped:")


def _bars(variants: dict[str, Any], place: int) -> str:
    found = {name: kinds["tau"][place] for name, kinds in variants.items()}
    shown = {name: one for name, one in found.items() if all(math.isfinite(one[key]) for key in ("value", "low"))}
    return bar_figure(
        list(shown),
        [one["value"] for one in shown.values()],
        x_label="Kendall's τ",
        low=[one["low"] for one in shown.values()],
        high=[one["high"] for one in shown.values()],
    )


def _curves(result: dict[str, Any], place: int) -> str:
    series = []
    for sampling, updates in result["checkpoints"].items():
        found = [kinds["tau"][place] for kinds in updates.values()]
        values, low, high = ([one[key] for one in found] for key in ("value", "low", "high"))
        series.append(Series(sampling, [int(update) for update in updates], values, low, high))
    return curve_figure(series, x_label="updates of the super-network", y_label="Kendall's τ")


def _scatter(result: dict[str, Any], variant: str) -> str:
    groups = []
    for place, name in enumerate(result["heads"][:-3]):
        one_shot = [row["one_shot"][variant][place] for row in result["genotypes"]]
        alone = [
            sum(score["losses"][place] for score in row["alone"]) / len(row["alone"]) for row in result["genotypes"]
        ]
        groups.append(Series(name, one_shot, alone))
    return scatter_figure(groups, x_label="one-shot loss", y_label="stand-alone loss", diagonal=False, panels=True)

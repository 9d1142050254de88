"""The study of labels as Markdown, in the terminal and as a page."""

from __future__ import annotations

from typing import Any

from wsrnas.report.figures import Series, bar_figure, scatter_figure
from wsrnas.report.page import Page
from wsrnas.studies.noise.tables import markdown_table
from wsrnas.studies.shown import print_table

Cells = tuple[list[str], list[list[str]]]

EXPLANATION = (
    "Random architectures of one size get labels of every kind on D_v, and final networks of their own: longer "
    "trainings with seeds that no label was made with, judged on the test set. Truth is wide accuracy, the mean over "
    "the strengths above 0, of their mean. τ is Kendall's with it, 'at one size' over the "
    "pairs that have exactly as many parameters ({pairs} of them); gain, in points, what the best of {candidates} "
    "random ones by that label is above the mean, over all sets of so many; cost, images passed through a network for "
    "each architecture, forward and backward one each, measuring included. 95 % bootstrap intervals over "
    "architectures, those of differences paired.\n\n"
    "Labels: shared, measured in the super-network; alone-E, trained from scratch for E epochs, rate annealed to "
    "nothing; from-shared-E, the same from the weights of the super-network; halving, all by the first label, the "
    "better half by the next and so on; ψ, a Gaussian process on paths and size, fitted to a label of all, or to a "
    "cheap label of all and a dear one of a third. Read by the mean loss over the strengths, where nothing else is "
    "said; 'one strength' is measured at that nearest the training's alone."
)
CEILING = (
    "No label can rank better than the final measure ranks itself. One training seed's wide accuracies are correlated "
    "with another's; by Spearman and Brown that gives the reliability of the mean of all seeds, and with it the τ of a "
    "label that knows the truth (2/π·arcsin of its root). Beside it what was measured: one more final training "
    "against the mean of the others."
)


def written(found: dict[str, float | None], digits: int = 2) -> str:
    """Write an estimate with its interval, a dash where it is undefined."""
    if None in found.values():
        return "–"
    value, low, high = (f"{found[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def tau(one: dict[str, Any]) -> float:
    """Return Kendall's τ of a policy; one that tells no two architectures apart has none, and ranks as one of -1."""
    value = one["tau"]["value"]
    return -1.0 if value is None else float(value)


def thousands(cost: float) -> str:
    """Write image passes."""
    return f"{cost / 1000:.1f}"


def ranking(result: dict[str, Any]) -> Cells:
    """Return the table of policies."""
    rows = [
        [
            name,
            thousands(one["cost"]),
            written(one["tau"]),
            "–" if name == result["default"] else written(one["difference"]),
            written(one["tau_one_size"]),
            written(one["gain"], 1),
        ]
        for name, one in result["policies"].items()
    ]
    headers = ["policy", "cost, thousand passes", "τ", f"less that of {result['default']}", "τ at one size"]
    return [*headers, "gain in points"], rows


def ceilings(result: dict[str, Any]) -> Cells:
    """Return the table of what the final measure can tell."""
    found = result["ceiling"]
    return ["of the final networks", "value"], [
        ["standard deviation between architectures, points", written(found["architectures"])],
        ["between training seeds of one, points", written(found["trainings"])],
        ["correlation of one seed with another", written(found["one"])],
        [f"reliability of the mean of {result['seeds']} seeds", written(found["reliability"])],
        ["τ of a label that knows the truth", written(found["tau"])],
        ["τ of one more final training with the mean of the others", written(found["another"])],
        ["the same at one size", written(found["another_one_size"])],
        [f"gain of the best of {result['candidates']} by one more final training, points", written(found["gain"], 1)],
    ]


def front(result: dict[str, Any]) -> list[str]:
    """Return the policies that no cheaper or equally cheap one outranks, cheapest first."""
    rows = sorted(result["policies"].items(), key=lambda item: (item[1]["cost"], -tau(item[1])))
    kept: list[str] = []
    for name, one in rows:
        if not kept or tau(one) > tau(result["policies"][kept[-1]]):
            kept.append(name)
    return kept


def summary(result: dict[str, Any]) -> str:
    """Say in plain words which label is worth its cost, and what this study cannot tell."""
    policies, found, default = result["policies"], result["ceiling"], result["default"]
    best = max(policies, key=lambda name: tau(policies[name]))
    better = [
        name
        for name, one in policies.items()
        if one["cost"] <= policies[default]["cost"] and (one["difference"]["low"] or 0) > 0
    ]
    cheaper = [
        name
        for name in front(result)
        if policies[name]["cost"] < policies[default]["cost"] and (policies[name]["difference"]["high"] or 0) >= 0
    ]
    said = [
        f"The highest τ is {written(policies[best]['tau'])}, by {best}; the longest training alone ({default}) reaches "
        f"{written(policies[default]['tau'])}, one more final training {written(found['another'])}."
    ]
    if better:
        said.append(f"At no higher cost {', '.join(better)} rank better than it, beyond the interval.")
    else:
        said.append("No policy of at most its cost ranks better beyond the interval.")
    if cheaper:
        said.append(f"Cheaper and not told apart from it: {', '.join(cheaper)}.")
    if (found["reliability"]["low"] or 0) < 0.5:
        said.append(
            f"The final measure itself is hardly reliable here ({written(found['reliability'])}): architectures differ "
            f"by {found['architectures']['value']:.1f} points, trainings of one by {found['trainings']['value']:.1f}. "
            "There is little for any label to rank."
        )
    return " ".join(said)


def explained(result: dict[str, Any]) -> str:
    """Return what the columns mean."""
    return EXPLANATION.format(candidates=result["candidates"], pairs=result["pairs_of_one_size"])


def title(result: dict[str, Any]) -> str:
    """Return what was measured."""
    about = result["about"]
    images = about["images"]
    return (
        f"{about['space']}, {about['channels']} channels, {about['layers']} cells, {about['data']} at "
        f"{about['image_size']}×{about['image_size']}, {result['architectures']} architectures of one size "
        f"(±{about['tolerance']:.0%}), final networks of {about['final_epochs']} epochs with {result['seeds']} seeds, "
        f"{images['trained on']} images trained on, {images['labelled on']} for labels, {images['judged on']} to judge"
    )


def to_markdown(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    return "\n\n".join(
        [
            f"# Which label, at which cost: {title(result)}",
            summary(result),
            explained(result),
            markdown_table(*ranking(result)),
            f"## How well anything can rank\n\n{CEILING}",
            markdown_table(*ceilings(result)),
            "",
        ]
    )


def show(result: dict[str, Any]) -> None:
    """Print policies, the ceiling, and what they mean."""
    print_table(title(result), *ranking(result), "")
    print_table("How well anything can rank", *ceilings(result), summary(result))


def page(result: dict[str, Any], command: str) -> Page:
    """Return the result as a page."""
    policies, found = result["policies"], result["ceiling"]
    best = max(policies, key=lambda name: tau(policies[name]))
    built = Page("Which label, at which cost?", title(result))
    built.facts(
        {
            f"highest τ, {best}": written(policies[best]["tau"]),
            f"τ of {result['default']}": written(policies[result["default"]]["tau"]),
            "τ of one more final training": written(found["another"]),
            "reliability of the truth": written(found["reliability"]),
        }
    )
    built.callout("note", summary(result))
    built.section("Which label ranks final networks?", explained(result))
    built.figure(_clouds(result), "What a label costs and how it ranks; higher and further left is better.")
    built.figure(_bars(result), "Kendall's τ with 95 % intervals over architectures, cheapest first.")
    built.table(*ranking(result), "All policies: cost in thousand image passes an architecture.")
    built.section("How well can anything rank?", CEILING)
    built.table(*ceilings(result), "The final measure against itself, with 95 % intervals.")
    return built.command(command, "Judge these labels again:")


def kind_of(name: str) -> str:
    """Return which kind of policy a name is of."""
    if name.startswith("ψ"):
        return "ψ"
    return "halving" if name.startswith("halving") else name.split(",")[0].rpartition("-")[0] or "shared"


def _clouds(result: dict[str, Any]) -> str:
    words = {"shared": "shared weights", "alone": "alone", "from-shared": "from shared weights"}
    groups: dict[str, tuple[list[float], list[float]]] = {}
    for name, one in result["policies"].items():
        if one["cost"] > 0 and one["tau"]["value"] is not None:
            x, y = groups.setdefault(words.get(kind_of(name), kind_of(name)), ([], []))
            x.append(one["cost"] / 1000)
            y.append(one["tau"]["value"])
    series = [Series(name, x, y) for name, (x, y) in groups.items()]
    return scatter_figure(series, x_label="thousand passes an architecture", y_label="Kendall's τ", diagonal=False)


def _bars(result: dict[str, Any]) -> str:
    rows = {name: one["tau"] for name, one in sorted(result["policies"].items(), key=lambda item: item[1]["cost"])}
    rows["one more final training"] = result["ceiling"]["another"]
    known = {name: one for name, one in rows.items() if None not in one.values()}
    return bar_figure(
        list(known),
        [one["value"] for one in known.values()],
        x_label="Kendall's τ with final networks",
        low=[one["low"] for one in known.values()],
        high=[one["high"] for one in known.values()],
        texts=[f"{one['value']:.2f}" for one in known.values()],
        highlight=list(known).index(result["default"]) if result["default"] in known else None,
    )

"""README.md of a search run: a model card that says what was found, how, and what it is not."""

from __future__ import annotations

import json
import shlex
import statistics
from pathlib import Path

from wsrnas.errors import refuse
from wsrnas.files import write_atomic
from wsrnas.report.words import percent
from wsrnas.search.report.record import SearchRecord, read_search_run
from wsrnas.search.report.sections.found import next_commands
from wsrnas.types import format_strength


def write_model_card(run_path: Path) -> Path:
    """Write `README.md` into the folder of a finished search and return its path.

    Raises:
        InputError: not the folder of a search, damaged files, or a search that is not finished.
    """
    record = read_search_run(run_path)
    if not record.result.get("winner"):
        remedy = "start the same search command again; it goes on where it stopped"
        refuse("RUN", expected="a finished search, with result.json", got=str(run_path), remedy=remedy)
    target = run_path / "README.md"
    parts = [
        _front(record),
        _summary(record),
        _losses(record),
        _robustness(record),
        _budget(record),
        _use(record),
        _limits(),
    ]
    write_atomic(target, "\n\n".join(part.strip() for part in parts if part) + "\n")
    return target


def _front(record: SearchRecord) -> str:
    tags = ["adversarial-robustness", "neural-architecture-search", "wsrnas", str(record.result.get("space", "darts"))]
    lines = ["library_name: wsrnas", "pipeline_tag: image-classification"]
    lines += [f"datasets: {json.dumps([record.data])}", f"tags: {json.dumps(tags)}"]
    return "\n".join(["---", *lines, "---"])


def _summary(record: SearchRecord) -> str:
    winner = record.result["winner"]
    return (
        f"# Architecture {winner.get('id', '?')}\n\n"
        f"Found on {record.data} by {record.method} (recipe `{record.setting('recipe')}`, "
        f"seed {record.setting('seed')}), which measured {len(record.labelled)} "
        f"architectures at strengths {', '.join(record.loss_names[1:])} (L∞ radii of images in [0,1]). The cells are "
        "in `genotype.json` and drawn in `cell.svg`; `report.html` tells how the search went, `config.yaml` holds all "
        "settings."
    )


def _losses(record: SearchRecord) -> str:
    winner = record.result["winner"]
    label = "trained alone, in the search" if record.trained_alone else "shared weights, in the search"
    rows = [[label, *(f"{loss:.3f}" for loss in winner.get("losses") or [])]]
    if winner.get("verified_losses"):
        rows.append(
            [
                f"{record.result.get('verified_by', 'shared weights')}, stronger attack",
                *(f"{loss:.3f}" for loss in winner["verified_losses"]),
            ]
        )
    return "## Losses on held-out training images\n\n" + _table(["loss per image", *record.loss_names], rows)


def _robustness(record: SearchRecord) -> str:
    comparison = record.comparison
    if not comparison.get("random"):
        return (
            "## Accuracy\n\nNot measured yet: the search only ranks architectures. Train this one, then evaluate it, "
            "with the commands below."
        )
    randoms = comparison["random"]
    mean = [statistics.fmean(values) for values in zip(*(one["accuracy"] for one in randoms))]
    names = ["clean" if strength == 0 else format_strength(strength) for strength in comparison["strengths"]]
    rows = [
        ["found", *map(percent, comparison["winner"]["accuracy"])],
        [f"{len(randoms)} random, mean", *map(percent, mean)],
    ]
    return (
        f"## Accuracy on {comparison.get('images', '?')} test images under {comparison.get('attack', 'PGD')}\n\n"
        "Trained from scratch, each with the same budget.\n\n" + _table(["architecture", *names], rows)
    )


def _budget(record: SearchRecord) -> str:
    if record.budget is None:
        return ""
    return "## Cost\n\n" + "\n".join(f"- {what}: {text}" for what, text in record.budget.rows())


def _use(record: SearchRecord) -> str:
    commands = "\n".join(shlex.join(command) for command, _ in next_commands(record)[:2])
    said = "There are no trained weights in this folder. Train and evaluate the architecture:"
    return f"## Use\n\n{said}\n\n```\n{commands}\n```"


def _limits() -> str:
    return (
        "## Limits\n\n"
        "- One search with one seed: another seed gives another architecture.\n"
        "- Robustness is empirical, against the attacks named here and the L∞ strengths above; it is no certificate "
        "and says nothing about other kinds of change to an image.\n"
        "- Numbers from a search share weights between architectures and rank them; they are not the accuracy of the "
        "trained network."
    )


def _table(headers: list[str], rows: list[list[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

"""The key numbers of a finished run, read from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsrnas.evaluation.result import Evaluation
from wsrnas.files import read_object
from wsrnas.search.result import SearchResult
from wsrnas.sweeps.plan import SweepRun


def numbers_of(run: SweepRun, folder: Path) -> dict[str, Any]:
    """Return what a table says of a run, by column.

    Raises:
        InputError: a damaged file.
    """
    if run.command == "search":
        return _search(SearchResult.read(folder))
    if run.command == "train":
        return _training(read_object(folder / "result.json"))
    found: dict[str, Any] = {}
    for path in sorted((folder / "eval").glob("*.json")):
        if path.stem != "checks":
            found |= _evaluation(Evaluation.load(path), "" if path.stem == "strict" else f"{path.stem} ")
    return found


def _search(found: SearchResult) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "found": found.genotype.id,
        "parameters": found.winner.parameters,
        "objective": found.winner.verified_objective,
        "clean loss": found.winner.verified_losses[0],
        "network passes": found.cost,
        "seconds": found.seconds,
    }
    if found.comparison is not None:
        accuracy = found.comparison["winner"]["accuracy"]
        numbers |= {"accuracy": accuracy[0], f"accuracy at {found.strengths[-1]:.4g}": accuracy[-1]}
    return numbers


def _training(result: dict[str, Any]) -> dict[str, Any]:
    names = {
        "parameters": "parameters",
        "epoch": "epoch kept",
        "held_out_accuracy": "held-out accuracy",
        "held_out_robust_accuracy": "held-out robust accuracy",
        "strength": "strength",
    }
    return {column: result[key] for key, column in names.items() if result.get(key) is not None}


def _evaluation(result: Evaluation, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {f"{prefix}images": result.images, f"{prefix}accuracy": result.clean_accuracy}
    for place, strength in enumerate(result.strengths):
        if strength > 0:
            found[f"{prefix}accuracy at {result.text(place)}"] = result.accuracy[place]
    return {**found, f"{prefix}area under curve": result.area}

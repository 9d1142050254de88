"""`eval/summary.json`: the fields of the Python result, the protocol to believe first, the others beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wsrnas.errors import refuse
from wsrnas.evaluation.protocols import PROTOCOLS, Released, Strict
from wsrnas.evaluation.result import Evaluation
from wsrnas.files import write_atomic


def finished(folder: str | Path) -> dict[str, Evaluation]:
    """Return the finished evaluations of a folder by protocol, the one to believe first; there may be none."""
    files = {protocol: Path(folder) / "eval" / f"{protocol}.json" for protocol in PROTOCOLS}
    return {protocol: Evaluation.load(file) for protocol, file in files.items() if file.is_file()}


def read_evaluations(folder: str | Path) -> dict[str, Evaluation]:
    """Return the finished evaluations of a folder by protocol, the one to believe first.

    Raises:
        InputError: there are none, or a file is damaged.
    """
    found = finished(folder)
    if not found:
        files = " or ".join(f"eval/{protocol}.json" for protocol in PROTOCOLS)
        refuse("run", expected=f"a folder with {files}", got=str(folder), remedy="run `wsrnas evaluate` on it first")
    return found


def same_images(one: Evaluation, other: Evaluation) -> bool:
    """Tell whether two evaluations are of the same images and labels, in the same order."""
    return all(one.settings[key] == other.settings[key] for key in ("images", "labels"))


def set_aside(folder: str | Path, latest: Evaluation) -> None:
    """Take away `eval/<protocol>.json` of other images than the latest ones: one folder shows one set of images.

    Nothing is lost: every finished curve stays beside its records, and the command that made it brings it back.
    """
    for protocol, found in read_evaluations(folder).items():
        if not same_images(found, latest):
            (Path(folder) / "eval" / f"{protocol}.json").unlink()


def write_summary(folder: str | Path) -> Path:
    """Write `eval/summary.json`: the first result's fields, and under `protocols` every protocol measured.

    Where only the released protocol was run its fields stand at the top, with their `protocol`.
    """
    found = read_evaluations(folder)
    first = next(iter(found.values()))
    summary: dict[str, Any] = {
        **first.to_dict(),
        "protocols": {name: _short(one) for name, one in found.items()},
    }
    if {Strict.name, Released.name} <= set(found):
        summary["released_minus_strict"] = differences(found[Strict.name], found[Released.name])
    path = Path(folder) / "eval" / "summary.json"
    write_atomic(path, json.dumps(summary) + "\n")
    return path


def differences(strict: Evaluation, released: Evaluation) -> list[dict[str, float]]:
    """Return how much higher the released protocol scores, at every strength both have."""
    scores = dict(zip(released.strengths, released.accuracy))
    return [
        {"strength": strength, "strict": value, "released": scores[strength], "difference": scores[strength] - value}
        for strength, value in zip(strict.strengths, strict.accuracy)
        if strength in scores
    ]


def _short(result: Evaluation) -> dict[str, Any]:
    long = ("survives", "clean_correct", "settings")
    return {name: value for name, value in result.to_dict().items() if name not in long}

"""`eval/summary.json`: the fields of the Python result, the strict protocol first, the released one beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wsrnas.errors import InputError, refuse
from wsrnas.evaluation.result import Evaluation
from wsrnas.files import write_atomic

PROTOCOLS = ("strict", "released")


def read_evaluations(folder: str | Path) -> dict[str, Evaluation]:
    """Return the finished evaluations of a folder by protocol, strict first.

    Raises:
        InputError: there are none, or a file is damaged.
    """
    folder = Path(folder)
    found: dict[str, Evaluation] = {}
    for protocol in PROTOCOLS:
        path = folder / "eval" / f"{protocol}.json"
        if path.is_file():
            try:
                found[protocol] = Evaluation.load(path)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}: damaged ({error}); delete it and evaluate again") from error
    if not found:
        refuse("run", expected="a folder with eval/strict.json or eval/released.json", got=str(folder),
               remedy="run `wsrnas evaluate` on it first")  # fmt: skip
    return found


def write_summary(folder: str | Path) -> Path:
    """Write `eval/summary.json`: the strict result's fields, and under `protocols` every protocol measured.

    Where only the released protocol was run its fields stand at the top, with their `protocol`.
    """
    found = read_evaluations(folder)
    first = next(iter(found.values()))
    summary: dict[str, Any] = {
        **first.to_dict(),
        "protocols": {name: _short(one) for name, one in found.items()},
    }
    if len(found) == 2:
        summary["released_minus_strict"] = released_minus_strict(found["strict"], found["released"])
    path = Path(folder) / "eval" / "summary.json"
    write_atomic(path, json.dumps(summary) + "\n")
    return path


def released_minus_strict(strict: Evaluation, released: Evaluation) -> list[dict[str, float]]:
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

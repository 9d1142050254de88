"""What the files of a search run must hold for its report: kinds of values, and lists as long as there are losses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from wsrnas.errors import refuse
from wsrnas.files import read_lines, read_object
from wsrnas.typed import check_fields

AGAIN = "start the same search command again to write it anew"
ANEW = "restore the file or start the search again"


class Metrics(TypedDict, total=False):
    """A line of metrics.jsonl."""

    phase: str
    iteration: int
    genotype_id: str | None
    chosen: str
    losses: list[float] | None
    predicted: list[float] | None
    objective: float | None
    best_objective: float | None
    fidelity: dict[str, float | None] | None
    loss_error: dict[str, float | None] | None
    cost: float | None


class Timing(TypedDict, total=False):
    """A line of timings.jsonl."""

    phase: str
    seconds: float
    iteration: int


class Measured(TypedDict, total=False):
    """An architecture of result.json."""

    id: str
    parameters: int | None
    losses: list[float] | None
    verified_losses: list[float]
    verified_objective: float | None


class Result(TypedDict, total=False):
    """result.json."""

    strengths: list[float]
    known: list[float]
    estimated: list[float]
    fallen_back: list[float]
    objective: dict[str, Any]
    winner: dict[str, Any]
    finalists: list[dict[str, Any]]
    verified_by: str
    warnings: list[str]
    cost: float
    seconds: float
    space: str
    data: dict[str, Any]
    size: dict[str, Any] | None
    latency: dict[str, Any] | None


class Curve(TypedDict, total=False):
    """A curve of comparison.json."""

    accuracy: list[float]
    low: list[float]
    high: list[float]


class Gained(TypedDict, total=False):
    """The gain of comparison.json."""

    mean: float
    low: float
    high: float


class Comparison(TypedDict, total=False):
    """comparison.json."""

    strengths: list[float]
    winner: dict[str, Any]
    random: list[dict[str, Any]]
    gain: dict[str, float]


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read metrics.jsonl.

    Raises:
        InputError: a line without an iteration, or with a value of another kind; names the line.
    """
    lines = _lines(path, Metrics, ("iteration",))
    for number, line in enumerate(lines, start=1):
        for field in ("fidelity", "loss_error"):
            for key in line.get(field) or {}:
                if not _is_number(key):
                    refuse(f"{path}: line {number}: {field}", expected="strengths", got=repr(key)[:80], remedy=ANEW)
    return lines


def read_timings(path: Path) -> list[dict[str, Any]]:
    """Read timings.jsonl; raises what `read_metrics` raises."""
    return _lines(path, Timing, ("phase", "seconds", "iteration"))


def read_result(path: Path) -> dict[str, Any]:
    """Read result.json, empty where the search is not finished.

    Raises:
        InputError: a value of another kind; names the field.
    """
    found = read_object(path, remedy=AGAIN)
    check_fields(found, Result, source=str(path), remedy=AGAIN)
    for name, one in [
        ("winner", found.get("winner") or {}),
        *(("finalists", one) for one in found.get("finalists", [])),
    ]:
        check_fields(one, Measured, source=f"{path}: {name}", remedy=AGAIN)
    weights = found.get("objective", {}).get("strength_weights") or []
    check_fields({"strengths": weights}, Result, source=f"{path}: strength_weights", remedy=AGAIN)
    return found


def read_comparison(path: Path) -> dict[str, Any]:
    """Read comparison.json, empty where no rivals were trained.

    Raises:
        InputError: a value of another kind, or curves of another length than the strengths; names the field.
    """
    found = read_object(path, remedy=AGAIN)
    check_fields(found, Comparison, source=str(path), remedy=AGAIN)
    if not found.get("random"):
        return found
    for name in ("strengths", "winner"):
        _there(found, name, str(path), AGAIN)
    if "gain" in found:  # folders of earlier versions have none
        check_fields(found["gain"], Gained, source=f"{path}: gain", remedy=AGAIN)
        for name in Gained.__annotations__:
            _there(found["gain"], name, f"{path}: gain", AGAIN)
    for where, curve in [("winner", found["winner"]), *(("random", one) for one in found["random"])]:
        check_fields(curve, Curve, source=f"{path}: {where}", remedy=AGAIN)
        for name in Curve.__annotations__:
            _there(curve, name, f"{path}: {where}", AGAIN)
            check_length(curve[name], len(found["strengths"]), f"{path}: {where}: {name}", AGAIN)
    return found


def check_losses(lines: list[dict[str, Any]], result: Mapping[str, Any], count: int, path: Path) -> None:
    """Refuse losses that are not as many as the strengths and the clean one.

    Raises:
        InputError: names the file and the line.
    """
    for number, line in enumerate(lines, start=1):
        for field in ("losses", "predicted"):
            if line.get(field):
                check_length(line[field], count, f"{path / 'metrics.jsonl'}: line {number}: {field}", ANEW)
    for one in (result.get("winner") or {}, *result.get("finalists", [])):
        for field in ("losses", "verified_losses"):
            if one.get(field):
                check_length(one[field], count, f"{path / 'result.json'}: {field}", AGAIN)


def check_length(values: list[Any], count: int, source: str, remedy: str) -> None:
    """Refuse a list of another length."""
    if len(values) != count:
        refuse(source, expected=f"{count} numbers", got=f"{len(values)}", remedy=remedy)


def _lines(path: Path, kind: type, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    lines = read_lines(path, remedy=ANEW)
    for number, line in enumerate(lines, start=1):
        check_fields(line, kind, source=f"{path}: line {number}", remedy=ANEW)
        for name in needed:
            _there(line, name, f"{path}: line {number}", ANEW)
    return lines


def _there(values: Mapping[str, Any], name: str, source: str, remedy: str) -> None:
    if name not in values:
        refuse(source, expected=f"the field '{name}'", got="none", remedy=remedy)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

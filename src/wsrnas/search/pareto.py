"""What a search measured, robust against small: the architectures that no other beats in both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from wsrnas.errors import refuse
from wsrnas.files import inside, read_object, write_atomic, write_json
from wsrnas.spaces.genotype import Genotype
from wsrnas.typed import check_fields
from wsrnas.types import Choice

FOLDER = "pareto"
SIZES = {"params": "parameters", "latency": "ms a pass"}
"""By what a front may be drawn, and the unit."""
REMEDY = "start the same search command again to write it anew"


class Point(TypedDict):
    """One architecture that was measured: Eq. 10 of its label, lower is better, and its size."""

    id: str
    score: float
    size: float
    front: bool


class Drawn(TypedDict):
    """A file of the folder: every point, and at which batch latency was timed."""

    by: str
    batch_size: int | None
    points: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FrontPoint:
    """An architecture of the front: Eq. 10 of its label, its size, and the genotype file that a training takes."""

    genotype: Genotype
    score: float
    size: float
    path: Path


def undominated(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of points (score, size) that no other one beats: is at most as high in both and lower in one.

    Of equal points the first counts; the smallest come first.
    """
    order = sorted(range(len(points)), key=lambda place: (points[place][1], points[place][0], place))
    found: list[int] = []
    best = float("inf")
    for place in order:
        if points[place][0] < best:
            best = points[place][0]
            found.append(place)
    return found


def write_front(
    run: Path,
    by: str,
    labelled: dict[Choice, tuple[Genotype, float]],
    size: Callable[[Genotype], float],
    *,
    batch_size: int | None = None,
) -> None:
    """Write `pareto/BY.json`, with every architecture measured, and a genotype file for each of the front."""
    pairs = list(labelled.values())
    sizes = [float(size(genotype)) for genotype, _ in pairs]
    front = set(undominated([(score, one) for (_, score), one in zip(pairs, sizes)]))
    points = [
        Point(id=genotype.id, score=score, size=one, front=place in front)
        for place, ((genotype, score), one) in enumerate(zip(pairs, sizes))
    ]
    for place in front:
        write_atomic(run / FOLDER / f"{pairs[place][0].id}.json", pairs[place][0].to_json() + "\n")
    write_json(run / FOLDER / f"{by}.json", {"by": by, "batch_size": batch_size, "points": points})


def read_points(run: Path, by: str) -> Drawn | None:
    """Return what `write_front` wrote, the front first and from small to large; None where nobody asked for it.

    Raises:
        InputError: a damaged file; names the field.
    """
    source = run / FOLDER / f"{by}.json"
    found = read_object(source, remedy=REMEDY)
    if not found:
        return None
    check_fields(found, Drawn, source=str(source), remedy=REMEDY)
    points = found.get("points") or []
    for one in points:
        if sorted(one) != sorted(Point.__annotations__):
            refuse(str(source), expected="points with id, score, size, front", got=str(one)[:80], remedy=REMEDY)
        check_fields(one, Point, source=str(source), remedy=REMEDY)
    ordered = sorted(points, key=lambda one: (not one["front"], one["size"]))
    return Drawn(by=by, batch_size=found.get("batch_size"), points=ordered)


def read_front(run: Path, by: str) -> tuple[FrontPoint, ...]:
    """Return the front of a finished search, from small to large.

    Raises:
        InputError: it was not drawn by that size, or a damaged file.
    """
    if by not in SIZES:
        refuse("by", expected=" or ".join(SIZES), got=by)
    drawn = read_points(run, by)
    if drawn is None:
        remedy = f"start the same search again with --pareto {by}; nothing is measured twice"
        refuse("by", expected=f"a size by which {run} has a front", got=by, remedy=remedy)
    front = [(one, inside(run / FOLDER, f"{one['id']}.json")) for one in drawn["points"] if one["front"]]
    return tuple(
        FrontPoint(genotype=Genotype.load(path), score=float(one["score"]), size=float(one["size"]), path=path)
        for one, path in front
    )

"""Robust against small: everything the search measured, and the architectures that no other beats in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from wsrnas.report.figures import Series, scatter_figure
from wsrnas.report.page import Page
from wsrnas.report.theme import CATEGORIES
from wsrnas.search.pareto import FOLDER, SIZES, read_points
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section


@final
@dataclass(frozen=True, kw_only=True)
class Front(Section):
    """The front of Eq. 10 against parameters, and against latency where that was asked for."""

    name: ClassVar[str] = "front"

    def add(self, page: Page, record: SearchRecord) -> None:
        drawn = [found for by in SIZES if (found := read_points(record.path, by)) is not None]
        if not drawn:
            return
        how = (
            "each trained alone"
            if record.trained_alone
            else "under shared weights, which were trained less when the first were measured: read it as a hint"
        )
        page.section(
            "Robust against small",
            f"The objective (Eq. 10, lower is better) of every architecture that was measured, {how}, against "
            f"its size. On "
            "the front are those that no other one beats in both.",
        )
        for found in drawn:
            points, unit = found["points"], SIZES[found["by"]]
            if not points:
                page.callout("note", "No label belongs to an architecture that can be built, so there is no front.")
                return
            front = [one for one in points if one["front"]]
            rest = [one for one in points if not one["front"]]
            winner = [one for one in points if one["id"] == (record.result.get("winner") or {}).get("id")]
            named = (("measured", rest), ("front", front), ("winner", winner))
            groups = [
                Series(name, [one["size"] for one in some], [one["score"] for one in some], colour=colour)
                for colour, (name, some) in zip(CATEGORIES, named)
                if some
            ]
            batch = (
                "" if found["batch_size"] is None else f" at batch {found['batch_size']}, timed on the search's machine"
            )
            page.figure(
                scatter_figure(groups, x_label=f"{unit}{batch}", y_label="objective (Eq. 10)", diagonal=False),
                f"{len(points)} architectures, {len(front)} on the front by {unit}{batch}.",
            )
            rows = [[one["id"], size_text(one["size"], found["by"]), one["score"], file_of(one["id"])] for one in front]
            page.table(["front", unit, "objective", "file"], rows, "`wsrnas train --arch` takes each file.")


def size_text(size: float, by: str) -> str:
    """Write a size in its unit."""
    return f"{round(size):,}" if by == "params" else f"{size:.3g}"


def file_of(genotype: str) -> str:
    """Return where in the run folder a genotype of the front lies."""
    return f"{FOLDER}/{genotype}.json"

"""Losses per strength and the objective over the iterations of a search."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page
from wsrnas.report.theme import CATEGORIES, ordered_colours
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section


@final
@dataclass(frozen=True, kw_only=True)
class LossCurves(Section):
    """Losses per strength and the objective over the iterations."""

    name: ClassVar[str] = "losses"

    def add(self, page: Page, record: SearchRecord) -> None:
        labelled = record.labelled
        if not labelled:
            page.section("Losses over the search")
            page.callout("note", "No architecture has been measured yet: the search is still warming up its weights.")
            return
        best = min(labelled, key=lambda line: _number(line.get("objective")))
        held_out = "D_v, the half of the training set that no weight is trained on."
        how = (
            f"trained alone and measured on {held_out} Dots that sink over time show better architectures."
            if record.trained_alone
            else f"measured with the shared weights on {held_out} Dots that sink over time show two things at "
            f"once: better "
            "architectures and better trained shared weights."
        )
        page.section(
            "Losses over the search",
            f"Each dot is one of {len(labelled)} architectures, {how} The lowest objective so far, "
            f"{_number(best.get('objective')):.4g}, came in iteration {best['iteration']}.",
        )
        x = [int(line["iteration"]) for line in labelled]
        colours = ordered_colours(len(record.loss_names))
        cloud, middle = [], []
        for index, name in enumerate(record.loss_names):
            y = [float(line["losses"][index]) for line in labelled]
            enough = len(y) >= 8
            cloud.append(Series("" if enough else name, x, y, style="points", colour=colours[index]))
            if enough:
                middle.append(Series(name, x, _running_median(y), colour=colours[index]))
        marks = record.phase_marks
        page.figure(
            curve_figure([*cloud, *middle], x_label="iteration", y_label="loss per image on D_v", marks=marks),
            "Cross-entropy per image, clean and at every strength. Dots: single architectures; lines: running "
            "median of "
            "nine. Estimated strengths use the noise estimate instead of a real attack.",
        )
        objective = [
            Series(
                _chosen(kind),
                [x[i] for i in places],
                [_number(labelled[i].get("objective")) for i in places],
                style="points",
                colour=colour,
            )
            for colour, (kind, places) in zip(CATEGORIES, _by_choice(record).items())
        ]
        so_far = [min(_number(line.get("objective")) for line in labelled[: end + 1]) for end in range(len(labelled))]
        page.figure(
            curve_figure(
                [*objective, Series("best so far", x, so_far, style="steps", colour=CATEGORIES[5])],
                x_label="iteration",
                y_label="objective (Eq. 10)",
                marks=marks,
            ),
            "The objective the search minimises: a weighted sum of the clean loss and the loss at every strength. "
            + _choice_sentence(record),
        )


def _by_choice(record: SearchRecord) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, line in enumerate(record.labelled):
        places.setdefault(str(line.get("chosen", "measured")), []).append(place)
    return places


def _chosen(kind: str) -> str:
    return {
        "population": "first population",
        "uniform": "drawn at random",
        "proposed": "proposed by ψ",
        "gumbel": "drawn from A",
    }.get(kind, kind)


def _choice_sentence(record: SearchRecord) -> str:
    kinds = _by_choice(record)
    means = {
        kind: statistics.fmean(_number(record.labelled[i].get("objective")) for i in at) for kind, at in kinds.items()
    }
    told = [f"{_chosen(kind)}: {len(kinds[kind])}, mean {mean:.4g}" for kind, mean in means.items()]
    return f"By origin: {'; '.join(told)}."


def _running_median(values: Sequence[float], width: int = 9) -> list[float]:
    half = width // 2
    return [statistics.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan

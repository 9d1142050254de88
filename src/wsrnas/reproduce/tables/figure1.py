"""Figure 1: how the accuracy of RobNet-L and of WsrNet-Robust falls with the strength of the noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from wsrnas import zoo
from wsrnas.evaluation.statistics import wilson_interval
from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.theme import CATEGORIES
from wsrnas.reproduce.result import Figure
from wsrnas.reproduce.runs import outcome_file
from wsrnas.reproduce.scale import Scale
from wsrnas.reproduce.tables.base import Outcomes
from wsrnas.reproduce.tables.lines import Line, Pair
from wsrnas.reproduce.tables.models import ModelTable
from wsrnas.types import format_strength

TRAINING = "PGD-7"


@final
class Figure1(ModelTable):
    """Two networks after PGD-7, over the strengths that the search looks at."""

    name = "figure1"
    title = "Figure 1: two robust networks over a spectrum of strengths"
    asks = "Does a network found for a wide spectrum keep its accuracy where one found at a single strength loses it?"
    strengths = (0.03, 0.045, 0.06, 0.075, 0.09, 0.105)
    columns = ("natural", "0.03", "0.045", "0.06", "0.075", "0.09", "0.105", "mean")

    def every_line(self) -> tuple[Line, ...]:
        """Return the two curves; what they begin with is the natural accuracy of Table 1."""
        natural = {row.card.name: row.result.natural for row in zoo.paper_rows(1) if row.result.training == TRAINING}
        found = []
        for place, curve in enumerate(zoo.paper_values("figure1"), start=1):
            name = str(curve.card)
            printed = tuple(curve.values[format_strength(strength)] for strength in self.strengths)
            found.append(
                Line(
                    card=zoo.card(name),
                    training=TRAINING,
                    title=curve.name,
                    place=place,
                    printed=(natural[name], None, printed, None),
                    whose="paper, read off",
                )
            )
        return tuple(found)

    def figures(
        self,
        lines: Sequence[Line],
        scale: Scale,
        outcomes: Outcomes,
        pairs: Sequence[Pair],
    ) -> tuple[Figure, ...]:
        """Draw both networks, the paper's and ours."""
        printed, ours = [], []
        for place, line in enumerate(lines):
            colour, natural, by_strength = CATEGORIES[place], line.printed[0], line.printed[2]
            shown = [(0.0, natural), *zip(self.strengths, by_strength)]
            values = [(strength, value / 100) for strength, value in shown if value is not None]
            at, heights = [strength for strength, _ in values], [value for _, value in values]
            printed.append(Series(line.title, at, heights, style="dashed", colour=colour))
            for seed in scale.seeds:
                measured = outcomes[outcome_file("evaluate", line.run(seed))]
                images = int(measured["images"])
                curve = [measured["natural"], *(measured["strict"][format_strength(s)] for s in self.strengths)]
                bounds = [wilson_interval(round(value * images), images) for value in curve]
                name = line.title if len(scale.seeds) == 1 else f"{line.title}, seed {seed}"
                ours.append(
                    Series(
                        name,
                        [0.0, *self.strengths],
                        curve,
                        low=[low for low, _ in bounds],
                        high=[high for _, high in bounds],
                        colour=colour,
                    )
                )
        label = "strength (Linf radius, pixels in [0,1])"
        return (
            Figure(
                svg=curve_figure(ours, x_label=label, y_label="accuracy", percent=True),
                caption="Ours, strict protocol, with 95 % Wilson intervals over the test images.",
            ),
            Figure(
                svg=curve_figure(printed, x_label=label, y_label="accuracy", percent=True),
                caption="The paper's, read off its bars within 0.4 points.",
            ),
        )

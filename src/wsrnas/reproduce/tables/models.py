"""Tables 1, 2 and 4 and Figure 1: networks trained by the paper's adversarial trainings, and evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from wsrnas.configure import configured
from wsrnas.errors import refuse
from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.report.figures import Series, scatter_figure
from wsrnas.reproduce.result import Cell, Figure, Grid, Number, Result
from wsrnas.reproduce.runs import EvaluateRun, Outcome, Run, SearchRun, TrainRun, outcome_file
from wsrnas.reproduce.scale import Scale
from wsrnas.reproduce.tables.base import Outcomes, Table, search_of, settings_that_differ
from wsrnas.reproduce.tables.lines import INFERRED, SEARCHED, Line, Pair, finding, printed_lines, unlearned
from wsrnas.training.config import TrainConfig
from wsrnas.types import format_strength


class ModelTable(Table):
    """A table with networks; every line is trained with every seed, and evaluated by both protocols."""

    number: ClassVar[int | None] = None
    """The table's number, where its lines are printed results of the zoo's cards."""
    strengths: ClassVar[tuple[float, ...]]
    columns: ClassVar[tuple[str, ...]]
    """Of natural, fgsm, mean and strengths: what the table prints, in its order."""
    imagenet: ClassVar[bool] = False

    def lines(self, scale: Scale) -> tuple[Line, ...]:
        """Return the printed lines that are made at this scale.

        Raises:
            InputError: lines that the table does not have.
        """
        every = self.every_line()
        if scale.lines is None or self.number not in (1, 2):
            return every
        if not scale.lines or set(scale.lines) - {line.place for line in every}:
            remedy = "leave lines out for all of them"
            refuse("lines", expected=f"lines of {self.name}, 1 to {len(every)}", got=scale.lines, remedy=remedy)
        return tuple(line for line in every if line.place in scale.lines)

    def every_line(self) -> tuple[Line, ...]:
        """Return all printed lines."""
        return () if self.number is None else printed_lines(self.number, self.strengths)

    @property
    def fgsm(self) -> bool:
        """Return whether the table has that column."""
        return "fgsm" in self.columns

    def runs(self, scale: Scale) -> tuple[Run, ...]:
        """Return, for each line and seed: the search of an architecture never published, a training, an evaluation."""
        found: dict[tuple[str, str], Run] = {}
        for line in self.lines(scale):
            for seed in scale.seeds:
                for run in self._runs_of(line, scale, seed):
                    found[run.kind, run.name] = run
        return tuple(found.values())

    def _runs_of(self, line: Line, scale: Scale, seed: int) -> list[Run]:
        runs: list[Run] = []
        found_by = None
        if line.card.status == "unpublished":
            recipe, settings = search_of(line.card)
            found_by = f"search-{line.card.name}-seed{seed}"
            runs.append(SearchRun(name=found_by, config=scale.searching(recipe, seed, settings)))
        trained = TrainRun(
            name=line.run(seed),
            config=scale.training(line.recipe, seed, imagenet=self.imagenet),
            model=None if found_by else line.card.name,
            found_by=found_by,
            size=scale.size(line.card.family, imagenet=self.imagenet),
        )
        measured = EvaluateRun(
            name=trained.name,
            trained=trained,
            strengths=self.strengths,
            suite=scale.suite,
            fgsm=self.fgsm,
        )
        return [*runs, trained, measured]

    def result(self, scale: Scale, outcomes: Outcomes) -> Result:
        """Put the paper's line over ours by both protocols, for every model."""
        lines = self.lines(scale)
        rows: list[tuple[Cell, ...]] = []
        strict: set[int] = set()
        pairs: list[Pair] = []
        lost: list[tuple[Line, str]] = []
        doubts: list[str] = []
        for line in lines:
            rows.append(self._printed(line))
            names = [line.run(seed) for seed in scale.seeds]
            trained = [outcomes[outcome_file("train", name)] for name in names]
            measured = [outcomes[outcome_file("evaluate", name)] for name in names]
            lost += [(line, one["learned_nothing"]) for one in trained if one["learned_nothing"]]
            doubts += [f"{line.label}: {doubt}" for one in measured for doubt in one["doubts"]]
            strict.add(len(rows))
            for protocol in PROTOCOLS:
                rows.append(self._measured(line, protocol, trained, measured))
            mean = sum(self._mean(one, "strict") for one in measured) / len(measured)
            pairs.append((line, line.mean, 100 * mean))
        grid = Grid(
            headers=("model", "training", "whose", *map(self._header, self.columns), "parameters", "images", "seeds"),
            rows=tuple(rows),
            caption=self._caption(),
            marked=frozenset(strict),
        )
        nothing = {line.name for line, _ in lost}
        learned = [pair for pair in pairs if pair[0].name not in nothing]
        return Result(
            main=grid,
            finding=finding(learned),
            figures=self.figures(lines, scale, outcomes, learned),
            differs=self._differs(lines[0], scale),
            notes=self._notes(lines),
            warning=unlearned(len(lost), len(lines) * len(scale.seeds)),
            doubts=(*(f"{line.label}: {reason}" for line, reason in lost), *doubts),
            facts={"networks trained": str(len(lines) * len(scale.seeds)), "seeds": str(len(scale.seeds))},
        )

    def figures(
        self,
        lines: Sequence[Line],
        scale: Scale,
        outcomes: Outcomes,
        pairs: Sequence[Pair],
    ) -> tuple[Figure, ...]:
        """Draw our mean robust accuracy against the printed one."""
        both = [(line, paper, mine) for line, paper, mine in pairs if paper is not None]
        if len(both) < 3:
            return ()
        groups = {line.training: [one for one in both if one[0].training == line.training] for line, _, _ in both}
        series = [Series(name, [one[1] or 0.0 for one in found], [one[2] for one in found])
                  for name, found in groups.items()]  # fmt: skip
        svg = scatter_figure(
            series, x_label="average robust accuracy in the paper, %", y_label="here, strict, %", diagonal=False
        )
        return (Figure(svg=svg, caption="A point per line whose average the paper prints, by training."),)

    def _header(self, column: str) -> str:
        return {"natural": "natural", "fgsm": "FGSM", "mean": "average robust"}.get(column, column)

    def _printed(self, line: Line) -> tuple[Cell, ...]:
        natural, fgsm, by_strength, mean = line.printed
        values: dict[str, Cell] = {"natural": natural, "fgsm": fgsm, "mean": mean}
        values |= dict(zip(map(format_strength, self.strengths), by_strength))
        millions = line.card.parameters_millions_paper
        size: Cell = None if millions is None else f"{millions:g} M"
        return line.title, line.training, line.whose, *(values[column] for column in self.columns), size, None, None

    def _measured(
        self, line: Line, protocol: str, trained: Sequence[Outcome], measured: Sequence[Outcome]
    ) -> tuple[Cell, ...]:
        images = int(measured[0]["images"])
        share = partial(Number.share, images=images)
        values: dict[str, Cell] = {"natural": share([one["natural"] for one in measured])}
        values["mean"] = share([self._mean(one, protocol) for one in measured])
        strict = protocol == next(iter(PROTOCOLS))
        values["fgsm"] = share([one["fgsm"] for one in measured]) if self.fgsm and strict else None
        for strength in map(format_strength, self.strengths):
            values[strength] = share([one[protocol][strength] for one in measured])
        parameters = round(sum(int(one["parameters"]) for one in trained) / len(trained))
        cells = (values[column] for column in self.columns)
        return line.title, line.training, protocol, *cells, parameters, images, len(measured)

    def _mean(self, measured: Outcome, protocol: str) -> float:
        found = [float(measured[protocol][format_strength(strength)]) for strength in self.strengths]
        return sum(found) / len(found)

    def _caption(self) -> str:
        return (
            "Percent. Under each printed line ours by both protocols, with 95 % Wilson intervals over the test images; "
            "parameters as counted at this scale's width and depth. Strict is to be believed; the paper's own lines "
            "were measured by the protocol called released, those it copied from other papers in ways it does not say."
        )

    def _notes(self, lines: Sequence[Line]) -> tuple[str, ...]:
        notes = []
        for status, text in (("inferred", INFERRED), ("unpublished", SEARCHED)):
            names = ", ".join(dict.fromkeys(line.title for line in lines if line.card.status == status))
            if names:
                notes.append(f"{names}: {text}.")
        if self.fgsm:
            notes.append("FGSM: the paper prints no strength; ours is 8/255, one step, in evaluation mode.")
        return tuple(notes)

    def _differs(self, line: Line, scale: Scale) -> tuple[tuple[str, str, str], ...]:
        printed = configured(TrainConfig, "train", line.recipe, {})
        made = scale.training(line.recipe, scale.seeds[0], imagenet=self.imagenet)
        sizes = ((f"network.{key} of cells", "the card's", str(value)) for key, value in
                 scale.size("cells", imagenet=self.imagenet).items())  # fmt: skip
        protocol = ("protocol", "released, or not said", f"strict (suite {scale.suite}), and released beside it")
        return (protocol, *settings_that_differ(printed, made), *sizes)

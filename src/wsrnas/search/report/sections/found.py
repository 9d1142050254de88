"""What the search found and the commands to go on with."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar, final

from wsrnas.report.page import Page
from wsrnas.search.latency import latency_sentence
from wsrnas.search.next_steps import again_command, evaluate_command, train_command
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section
from wsrnas.search.size_share import size_sentence

_MEASURED_AGAIN = {
    "training alone": "trained alone for a few epochs and measured again",
    "shared weights": "measured again under the shared weights, with nothing trained in between",
}
_NAMED = (
    " Named is the one with the most parameters among those that two trainings each, its label and this one, do not "
    "tell apart from the best."
)


@final
@dataclass(frozen=True, kw_only=True)
class Architecture(Section):
    """The found cells, and the finalists they were chosen from."""

    name: ClassVar[str] = "architecture"

    def add(self, page: Page, record: SearchRecord) -> None:
        winner, finalists = record.result.get("winner") or {}, record.result.get("finalists") or []
        again = _MEASURED_AGAIN[record.result.get("verified_by", "shared weights")]
        intro = (
            "The search has not ended yet, so no architecture is named."
            if not winner
            else (
                f"Architecture {winner.get('id', '?')} won"
                + (f" among {len(finalists)} finalists, each {again}" if len(finalists) > 1 else "")
                + (
                    f"; the network has {winner['parameters']:,} parameters at the size of the search"
                    if "parameters" in winner and winner["parameters"] is not None
                    else ""
                )
                + ". Its cells are stacked to make the network."
            )
        )
        page.section("The found architecture", intro)
        if record.cell:
            page.figure(
                record.cell,
                "The found cells. Each card is a node and lists the operations whose outputs it adds up; wires "
                "show what "
                "each operation reads.",
                panel=True,
                alt=f"Drawing of the cells of architecture {winner.get('id', '')}",
            )
        else:
            page.callout("note", "There is no drawing: cell.svg is missing from the run folder.")
        if finalists:
            rows = []
            for one in finalists:
                measured = one.get("verified_losses") or one.get("losses") or []
                cells = [f"{value:.3f}" for value in measured] + ["–"] * (len(record.loss_names) - len(measured))
                rows.append([one.get("id", "?"), "yes" if one.get("verified_losses") else "no", *cells])
            twice = len(finalists) > 1 and record.setting("finalists.epochs", 0) > 0
            chosen = [index for index, one in enumerate(finalists) if one.get("id") == winner.get("id")]
            page.table(
                ["finalist", "verified", *record.loss_names],
                rows,
                "Loss per image on D_v, clean and at each strength, under a stronger attack (APGD) at every one; each "
                f"finalist was {again}.{_NAMED if record.trained_alone and twice else ''}",
                highlight=chosen,
            )
        if record.budget is not None:
            said = (
                "What one network of it costs at the size of the search; latency was measured on the search's machine."
            )
            page.table(["cost", "value"], record.budget.rows(), said)
        if latency := record.result.get("latency"):
            page.callout("note", latency_sentence(latency))
        if size := record.result.get("size"):
            page.callout("note", size_sentence(size))


def next_commands(record: SearchRecord) -> list[tuple[list[str], str]]:
    """Return the commands to go on with, as words, each with a sentence that says what it does."""
    config, trained = record.search_config, record.path.with_name(f"{record.path.name}-train")
    return [
        (train_command(config, record.path, trained), "Train the found architecture adversarially, from scratch:"),
        (evaluate_command(config, trained), "Measure it on the test set over the whole spectrum of strengths:"),
        (
            again_command(config, record.path),
            "Search once more with another seed: one search says little about the method:",
        ),
    ]


@final
@dataclass(frozen=True, kw_only=True)
class NextSteps(Section):
    """The exact commands to go on with."""

    name: ClassVar[str] = "next-steps"

    def add(self, page: Page, record: SearchRecord) -> None:
        how = "brief trainings, each alone" if record.trained_alone else "shared, half-trained weights"
        said = (
            f"The search ranks architectures with {how}. Train the found one from scratch before you judge or use it."
        )
        page.section("What to do next", said)
        if not record.genotype:
            page.callout("note", "First let the search end: start the same command again.")
            return
        for command, what in next_commands(record):
            page.command(shlex.join(command), what)

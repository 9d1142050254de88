"""The robustness curve of the winner beside random architectures, with intervals and a verdict."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page
from wsrnas.report.theme import CATEGORIES
from wsrnas.report.words import percent
from wsrnas.search.finalists.gain import spoken
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section
from wsrnas.types import format_strength

_FLAT = 0.02
"""A curve that falls by less than this over all strengths is that of a network that has not learnt."""


@final
@dataclass(frozen=True, kw_only=True)
class Robustness(Section):
    """The robustness curve of the winner and of random architectures, with intervals."""

    name: ClassVar[str] = "robustness"

    def add(self, page: Page, record: SearchRecord) -> None:
        comparison = record.comparison
        title = "Is it more robust than a random architecture?"
        if not comparison.get("random"):
            page.section(title)
            if record.setting("rivals.count", 0):
                page.callout(
                    "note", "The comparison with random architectures has not ended: start the same command again."
                )
            else:
                text = (
                    "This search was not compared with random architectures, so it cannot say whether it helped. Set "
                    "rivals.count to 8 or more to train some random architectures of the space in the same way."
                )
                page.callout("note", text)
            return
        strengths, winner, others = comparison["strengths"], comparison["winner"], comparison["random"]
        count = len(others)
        plural = f"{count} random architectures" if count > 1 else "one random architecture"
        columns = list(zip(*(one["accuracy"] for one in others)))
        mean = [statistics.fmean(column) for column in columns]
        low, high = [min(column) for column in columns], [max(column) for column in columns]
        if count == 1:
            low, high = list(others[0]["low"]), list(others[0]["high"])
        epochs = f" of {_epochs(comparison['epochs'])}" if "epochs" in comparison else ""
        page.section(
            title,
            f"The found architecture and {plural} were trained from scratch with the same budget"
            f"{epochs}, then attacked with "
            f"{comparison.get('attack', 'PGD')} on {comparison.get('images', 'the')} test images the search never saw.",
        )
        dashed = "mean of them; its band spans the weakest to the strongest" if count > 1 else "with its 95 % interval"
        page.figure(
            curve_figure(
                [
                    Series("found", strengths, winner["accuracy"], winner["low"], winner["high"], colour=CATEGORIES[0]),
                    Series("random", strengths, mean, low, high, style="dashed", colour=CATEGORIES[1]),
                ],
                x_label="strength of the attack (L∞ radius)",
                y_label="accuracy",
                percent=True,
                chance=comparison.get("chance"),
            ),
            f"Solid: the found architecture with its 95 % interval. Dashed: {plural}, {dashed}.",
        )
        rows: list[list[object]] = []
        for i, strength in enumerate(strengths):
            own = winner["accuracy"][i]
            interval = f"{percent(winner['low'][i])} to {percent(winner['high'][i])}"
            name = "clean" if strength == 0 else format_strength(strength)
            gain = f"{100 * (own - mean[i]):+.1f}"
            rows.append([name, percent(own), interval, percent(mean[i]), percent(max(columns[i])), gain])
        page.table(
            ["strength", "found", "95 % interval", "random, mean", "random, best", "gain in points"],
            rows,
            "The numbers behind the curve; the gain is found minus the mean of random.",
        )
        if "gain" in comparison:
            page.text(
                f"Over all attacked strengths: {spoken(comparison['gain'])}. Other trainings of the same networks, and "
                "other random architectures, would move it too; how far, `wsrnas study space` measures."
            )
        _verdict(page, strengths, winner, others)


def gain_over_random(record: SearchRecord) -> float | None:
    """Return the winner's mean accuracy over the attacked strengths minus that of the random ones, if compared."""
    if not record.comparison.get("random"):
        return None
    attacked = [i for i, strength in enumerate(record.comparison["strengths"]) if strength > 0]
    curves = [record.comparison["winner"], *record.comparison["random"]]
    own, *rest = (statistics.fmean(one["accuracy"][i] for i in attacked) for one in curves)
    return own - statistics.fmean(rest)


def _verdict(page: Page, strengths: Sequence[float], winner: dict[str, Any], others: list[dict[str, Any]]) -> None:
    attacked = [i for i, strength in enumerate(strengths) if strength > 0]
    if max(winner["accuracy"]) - min(winner["accuracy"]) < _FLAT:
        text = (
            "The attack hardly changes the accuracy of the found network: it has learnt too little to be compared. "
            "Raise rivals.epochs."
        )
        page.callout("warning", text)
        return
    own = statistics.fmean(winner["accuracy"][i] for i in attacked)
    rest = [statistics.fmean(one["accuracy"][i] for i in attacked) for one in others]
    rank = 1 + sum(value > own for value in rest)
    gain = 100 * (own - statistics.fmean(rest))
    clear = sum(winner["low"][i] > statistics.fmean(one["accuracy"][i] for one in others) for i in attacked)
    said = (
        f"Over all attacked strengths the found architecture ranks {rank} of {len(rest) + 1}, {abs(gain):.1f} points "
        f"{'above' if gain >= 0 else 'below'} the mean of the random ones; at {clear} of {len(attacked)} strengths its "
        "95 % interval lies wholly above that mean."
    )
    if rank == 1 and clear > len(attacked) / 2:
        page.callout("good", said)
    elif gain > 0:
        page.callout("note", f"{said} That is a lead, not proof: repeat with other seeds or score more images.")
    else:
        remedy = "The search did not pay off here: give it more iterations, or train the random architecture instead."
        page.callout("warning", f"{said} {remedy}")


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count != 1 else ''}"

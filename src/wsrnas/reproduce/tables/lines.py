"""The lines of the tables with networks: a model, a training, the printed numbers, and what comes of comparing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import kendalltau

from wsrnas import zoo

RECIPES = {
    "Standard": "standard",
    "PGD-7": "pgd7",
    "TRADES-1": "trades1",
    "Multi-Adv": "multi-adv",
    "Fast-AT": "fast-at-imagenet",
}
"""The recipe of every training that the tables name."""
OWN_RECIPES = {("wsrnet-robust", "PGD-7"): "wsrnet-robust"}
"""Recipes of single lines."""
WHOSE = {"authors": "paper", "copied": "paper, copied"}
"""What stands beside a printed line: measured by its authors, or copied by them from another paper."""
INFERRED = "which of the published cells, or which width, the paper used is a guess (its card says which)"
SEARCHED = "never published: found here by the search that its card offers, at this scale"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A model and a training, as a table prints them."""

    card: zoo.Card
    training: str
    title: str
    place: int
    printed: tuple[float | None, float | None, tuple[float | None, ...], float | None]
    """Natural, FGSM, accuracy by strength and their mean, in percent."""
    whose: str

    @property
    def name(self) -> str:
        """Return model and training as one word."""
        return f"{self.card.name}-{self.training.lower()}"

    def run(self, seed: int) -> str:
        """Return what the runs of one seed are called."""
        return f"{self.name}-seed{seed}"

    @property
    def recipe(self) -> str:
        """Return its training recipe."""
        return OWN_RECIPES.get((self.card.name, self.training), RECIPES[self.training])

    @property
    def label(self) -> str:
        """Return model and training."""
        return f"{self.title} {self.training}"

    @property
    def mean(self) -> float | None:
        """Return the printed average robust accuracy, or that of the printed strengths where all of them are."""
        found = [value for value in self.printed[2] if value is not None]
        if self.printed[3] is not None or len(found) < len(self.printed[2]):
            return self.printed[3]
        return sum(found) / len(found)


Pair = tuple[Line, float | None, float]
"""A line with the average robust accuracy that the paper prints, and ours by the strict protocol, in percent."""


def printed_lines(number: int, strengths: Sequence[float]) -> tuple[Line, ...]:
    """Return the lines of Table 1, 2 or 4 in their order."""
    return tuple(
        Line(
            card=row.card,
            training=row.result.training,
            title=row.model,
            place=row.result.row or 0,
            printed=(
                row.result.natural,
                row.result.fgsm,
                tuple(row.result.robust.get(strength) for strength in strengths),
                row.result.robust_mean,
            ),
            whose=WHOSE[row.result.source],
        )
        for row in zoo.paper_rows(number)
    )


def finding(pairs: Sequence[Pair]) -> str:
    """Say how far the printed order of networks is also ours, and which is first; `pairs` are of those that learned."""
    if not pairs:
        return "No network has learned anything at this scale, so there is nothing to compare."
    best, _, most = max(pairs, key=lambda pair: pair[2])
    first = f"Here {best.label} has the highest average robust accuracy, {most:.1f} % (strict)."
    both = [(paper, mine) for _, paper, mine in pairs if paper is not None]
    if len({paper for paper, _ in both}) < 3 or len({mine for _, mine in both}) < 2:
        return first
    tau = kendalltau([paper for paper, _ in both], [mine for _, mine in both])
    return (
        f"Kendall's rank agreement of the paper's average robust accuracies with ours is {tau.statistic:+.2f} over "
        f"{len(both)} lines (p = {tau.pvalue:.2g}; 1 is the same order). {first}"
    )


def unlearned(count: int, networks: int) -> str:
    """Say that so many of the networks know nothing; nothing where all know something."""
    if not count:
        return ""
    return (
        f"{count} of {networks} networks learned nothing that can be told from guessing, so no number of theirs "
        "means anything (see Doubts); a larger scale trains longer."
    )

"""Tables 3 and 6: searches that are timed, a few iterations each, and what a whole one then takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wsrnas.configure import configured
from wsrnas.reproduce.runs import Outcome
from wsrnas.reproduce.scale import Scale
from wsrnas.reproduce.tables.base import settings_that_differ
from wsrnas.search.config import SearchConfig

POPULATION, ITERATIONS = 100, 100
"""N and T of the paper's searches."""
WARM_UP, BUILD, SEARCH = "warm up", "build", "search"
ITERATION = (
    "Method: both searches are run at this scale for a few iterations, whose phases are timed; the seconds are means "
    "over those of the search loop. ψ is trained on the few labels of so short a search: with all 100 in memory it "
    "takes longer, which matters where networks are as small as at the lower scales. Compare shares and the ratio of "
    "the sums, not seconds."
)
METHOD = (
    "Method: each search is run at this scale for a few iterations of each kind (warming up, labelling the "
    "population, searching), whose phases are timed; a whole search is taken to be N = T = 100 of them, so its time is "
    "N × (warming up + labelling) + T × searching. Strategies without a population label N + T architectures. Searches "
    "run one after the other; other work on the machine lengthens them, and ratios carry over to other hardware better "
    "than seconds. ψ is trained on the few labels of so short a search: with all 100 in memory it takes longer, which "
    "matters where networks are as small as at the lower scales."
)


def settings_of_basic_that_differ(scale: Scale) -> tuple[tuple[str, str, str], ...]:
    """Return how WsrNet-Basic's timed search at this scale differs from the printed one, as the rows of a page."""
    printed = configured(SearchConfig, "search", "paper-basic", {})
    return settings_that_differ(printed, scale.searching("paper-basic", scale.seeds[0], timed=True))


@dataclass(frozen=True, kw_only=True)
class Timed:
    """Mean seconds of the iterations of a search, by kind and by column of Table 6."""

    iterations: Mapping[str, Mapping[str, float]]

    @staticmethod
    def of(outcome: Outcome) -> Timed:
        """Read them from what a search run came to."""
        return Timed(iterations=outcome["iterations"])

    def seconds(self, kind: str) -> float:
        """Return the mean seconds of an iteration of that kind, 0 where there is none."""
        return float(self.iterations.get(kind, {}).get("sum", 0.0))

    @property
    def search(self) -> Mapping[str, float]:
        """Return the columns of Table 6 for an iteration of the search loop."""
        return self.iterations[SEARCH]

    def whole(self, architectures: int | None = None) -> float:
        """Return the seconds of a whole search with N = T = 100, or with so many architectures after the warm-up."""
        if architectures is not None:
            return POPULATION * self.seconds(WARM_UP) + architectures * self.seconds(SEARCH)
        labelled = self.seconds(BUILD) or self.seconds(SEARCH)
        return POPULATION * (self.seconds(WARM_UP) + labelled) + ITERATIONS * self.seconds(SEARCH)

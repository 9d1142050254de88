"""How large the study of the paper's thesis is, and the rules it was started with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wsrnas.data import DataBundle
from wsrnas.errors import at_least, refuse
from wsrnas.parts import PartConfig
from wsrnas.search.base import Budget, Calls
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import passes_of_trainings
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.studies.scales import trained_search

RULES = (
    "a case is the list of strengths that a search looks at, all attacked for real and weighted alike; everything else "
    "is the same: space, data, short training, strategy and seeds",
    "search j of every case has the seed of the study plus j; a case with fewer strengths measures as many candidates "
    "more as the image passes of the widest case allow",
    "final rule: the best finalists by their label are trained twice more with other label seeds, and the lowest mean "
    "label is named; the largest architecture is neither measured first nor favoured, for it would be named whatever "
    "strengths are looked at",
    "same-size: random architectures within 5 % of the widest case's winner's weights, drawn with streams that do not "
    "depend on the search",
    "every network is trained again with seeds that no search saw and judged on the test set, which no search reads, "
    "at every strength of the widest case",
    "wide is the mean accuracy over these strengths, large that over the upper third of them",
    "gain: mean over the searches, one case less another; 95 % percentile interval of draws that take searches, "
    "opponents and test images with replacement",
    "all searches registered are reported, whatever they find; searches not done by the end are counted as such",
)
"""Written into config.yaml before the first training."""


@dataclass(frozen=True, kw_only=True)
class ThesisConfig:
    """Everything the study depends on.

    Args:
        search: strategy, space, data, budget and short training of the searches of the widest case; `rivals` says with
            how many PGD steps networks are judged.
        cases: strengths by the name of a case; the last is the widest and holds those of all others.
        searches: searches of each case.
        finalists: the best by label, trained twice more before the winner is named.
        rivals: random architectures of the size of the widest case's winner.
        seeds: trainings of every network that is judged.
        draws: of the bootstrap.
        rules: what was fixed before the first training.
    """

    search: SearchConfig
    cases: dict[str, tuple[float, ...]]
    searches: int = 8
    finalists: int = 4
    rivals: int = 8
    seeds: int = 2
    draws: int = 5000
    rules: tuple[str, ...] = RULES

    def __post_init__(self) -> None:
        at_least(1, searches=self.searches, finalists=self.finalists, rivals=self.rivals, draws=self.draws)
        at_least(2, seeds=self.seeds, cases=len(self.cases))
        for name, strengths in self.cases.items():
            if not set(strengths) <= set(self.strengths):
                refuse(f"cases.{name}", expected=f"strengths among {list(self.strengths)}", got=list(strengths))
        if self.search.evaluator != "trained":
            refuse("search.evaluator", expected="trained", got=self.search.evaluator)

    @property
    def widest(self) -> str:
        """Return the name of the widest case."""
        return list(self.cases)[-1]

    @property
    def strengths(self) -> tuple[float, ...]:
        """Return the strengths at which networks are judged."""
        return self.cases[self.widest]

    def search_of(self, case: str, index: int, data: DataBundle) -> SearchConfig:
        """Return the settings of a search: its strengths, and as many candidates as the widest case has passes for."""
        own = replace(self._looking_at(self.cases[case]), seed=self.search.seed + index)
        widest, budget = self._looking_at(self.strengths), self.search.budget
        allowed = budget.queries * _label_passes(widest, data) // _label_passes(own, data)
        more = Budget(population=budget.population, iterations=allowed - budget.population)
        return replace(own, budget=more)

    def judging(self) -> SearchConfig:
        """Return the settings that networks are judged with."""
        return self._looking_at(self.strengths)

    def _looking_at(self, strengths: tuple[float, ...]) -> SearchConfig:
        even = [1 / len(strengths)] * len(strengths)
        spectrum = SpectrumConfig(
            strengths=list(strengths),
            attacked=list(strengths),
            strength_weights=even,
            clean_weight=0.1,
            robust_weight=0.9,
        )
        return replace(self.search, spectrum=spectrum)


def _label_passes(config: SearchConfig, data: DataBundle) -> int:
    return sum(passes_of_trainings(config, data, Calls(measure=1)).values())


def thesis_config(scale: str, space: str, *, root: str | None = None, seed: int = 0) -> ThesisConfig:
    """Return the study at a scale: see `trained_search`.

    The cases look at a middle strength, at three and at six, all within the spectrum that searches of this scale have.
    """
    design = PartConfig(name="wsr-nas", settings={"design": "representative"})
    search = replace(trained_search(scale, space, root=root, seed=seed), strategy=design)
    low, high = search.spectrum.all_strengths()[0], search.spectrum.all_strengths()[-1]
    six = tuple(round(low + step * (high - low) / 5, 6) for step in range(6))
    cases = {"one": (six[2],), "three": (six[0], six[2], six[5]), "six": six}
    if scale == "smoke":
        return ThesisConfig(search=search, cases=cases, searches=2, rivals=2, draws=200)
    return ThesisConfig(search=search, cases=cases, searches=8 if root is None else 5)

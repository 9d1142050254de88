"""How large a study of what a search is worth is, and the rules it was started with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wsrnas.configure import configured
from wsrnas.errors import at_least, refuse
from wsrnas.search.base import Budget
from wsrnas.search.config import SearchConfig
from wsrnas.search.limits import LimitsConfig
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.studies.scales import trained_search

RULES = (
    "search j has the seed of the study plus j; ours and random search measure the same number of candidates by the "
    "same short trainings, with labels of that seed",
    "final rule of all: the best finalists by their label, the largest candidate in place of the last of them, are "
    "trained twice more with other label seeds; of those whose mean label is within two standard errors of the best "
    "one's, the one with the most weights is named",
    "same-size: random architectures within 5 % of the winner's weights, drawn by sized_samples with streams that do "
    "not depend on the search",
    "largest: the most weights that adding them one decision at a time leads to from the largest of 200 random ones, "
    "within the limits of the searches where they have any",
    "one-shot: ours with labels under shared weights for the image passes that are left, or the nearest below, when "
    "its five finalists have been trained alone as candidates are; the lowest label names the winner",
    "paper: the winner of the preset paper on the super-network of the same space and size, at the same image passes "
    "or the nearest below",
    "every network is trained again with seeds that no search saw and judged on the test set, which no search reads",
    "gain: mean over the searches of wide accuracy, winner less opponent; 95 % percentile interval of draws that take "
    "searches, the networks of a common opponent, and test images with replacement",
    "all searches registered are reported, whatever they find; searches not done by the end are counted as such",
)
"""Written into config.yaml before the first training."""
PAPER_ATTACKED = 3
"""N1 of the paper's Basic setting."""
ONE_SHOT_FINALISTS = 5


@dataclass(frozen=True, kw_only=True)
class PayoffConfig:
    """Everything a study of what a search is worth depends on.

    Args:
        search: strategy, space, data, budget and short training of the searches; `rivals` says with how many PGD steps
            networks are judged.
        searches: searches of each strategy.
        finalists: the best by label, trained twice more before the winner is named.
        rivals: random architectures of the winner's size.
        seeds: trainings of every network that is judged.
        shared_searches: how many of the searches have opponents that search under shared weights.
        draws: of the bootstrap.
        rules: what was fixed before the first training.
    """

    search: SearchConfig
    searches: int = 10
    finalists: int = 4
    rivals: int = 8
    seeds: int = 2
    shared_searches: int = 10
    draws: int = 5000
    rules: tuple[str, ...] = RULES

    def __post_init__(self) -> None:
        at_least(1, searches=self.searches, finalists=self.finalists, rivals=self.rivals, draws=self.draws)
        at_least(2, seeds=self.seeds)
        if not 0 <= self.shared_searches <= self.searches:
            refuse("shared_searches", expected=f"0 to {self.searches}", got=self.shared_searches)
        if self.search.evaluator != "trained":
            refuse("search.evaluator", expected="trained", got=self.search.evaluator)


def payoff_config(
    scale: str,
    space: str,
    *,
    root: str | None = None,
    seed: int = 0,
    limits: LimitsConfig | None = None,
    shared_searches: int | None = None,
) -> PayoffConfig:
    """Return the study at a scale: see `trained_search`. The searches look at wide accuracy: strengths weigh alike.

    `limits` hold for every search, the preset paper's included, and for the largest; `shared_searches` replaces how
    many have opponents under shared weights.
    """
    search = trained_search(scale, space, root=root, seed=seed)
    strengths = search.spectrum.all_strengths()
    even = [1 / len(strengths)] * len(strengths)
    spectrum = SpectrumConfig(
        strengths=list(strengths), clean_weight=0.1, robust_weight=0.9, strength_weights=even, attacked=list(strengths)
    )
    search = replace(search, spectrum=spectrum, limits=limits or LimitsConfig())
    if scale == "smoke":
        shared = 1 if shared_searches is None else shared_searches
        return PayoffConfig(search=search, searches=2, finalists=2, rivals=2, shared_searches=shared, draws=200)
    searches = 10 if root is None else 5
    shared = searches if shared_searches is None else shared_searches
    return PayoffConfig(search=search, searches=searches, shared_searches=shared)


def paper_search(config: SearchConfig, seed: int, budget: Budget) -> SearchConfig:
    """Return the paper's preset on the same data, spectrum and size, with its own objective."""
    found = _under_shared_weights("digits-paper", "paper", config, seed, budget)
    attacked = min(PAPER_ATTACKED, len(config.spectrum.all_strengths()))
    spectrum = replace(found.spectrum, strengths=config.spectrum.strengths, attacked=attacked)
    return replace(found, spectrum=spectrum)


def one_shot_search(config: SearchConfig, seed: int, budget: Budget) -> SearchConfig:
    """Return the preset ours under shared weights on the same data, spectrum and size, with the study's objective."""
    found = _under_shared_weights("digits", "ours", config, seed, budget)
    return replace(found, spectrum=config.spectrum, finalists=replace(found.finalists, epochs=0))


def _under_shared_weights(recipe: str, preset: str, config: SearchConfig, seed: int, budget: Budget) -> SearchConfig:
    found = configured(SearchConfig, "search", recipe, {}, preset=preset)
    return replace(
        found,
        seed=seed,
        data=config.data,
        space=config.space,
        limits=config.limits,
        runtime=config.runtime,
        measure=config.measure,
        training=replace(found.training, strength=config.training.strength, images=config.training.images),
        rivals=replace(found.rivals, count=0),
        budget=budget,
    )

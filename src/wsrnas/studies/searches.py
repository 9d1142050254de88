"""Searches of a study: one step at a time, each step kept, and a winner by the final rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any

from wsrnas.data import DataBundle
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.base import Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.evaluators.trained import Trained
from wsrnas.search.finalists.choice import named, with_largest
from wsrnas.search.setup import network_config
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.sampling import parameter_count
from wsrnas.studies import parts

TRAININGS = 2
"""Of each finalist, besides the one of its label."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The winner of a search, and the image passes it took."""

    genotype: Genotype
    cost: int


def search_trained(
    part: str,
    own: SearchConfig,
    finalists: int,
    data: DataBundle,
    runtime: Runtime,
    folder: RunFolder,
    *,
    favour_largest: bool = True,
) -> Found:
    """Run, or go on with, a search whose labels are short trainings, and name its winner by the final rule.

    The best `finalists` by their label, the largest candidate among them, are trained `TRAININGS` times more each with
    other label seeds, and `named` names one. Without `favour_largest` size does not count: the best finalists are
    trained, and the lowest mean label is named.
    """
    kept = parts.load(folder, part) or {}
    if "winner" in kept:
        return read_found(kept)
    evaluator = Trained(own, data, runtime)
    objective = own.spectrum.objective()
    strategy = build_strategy(own.strategy, evaluator, objective, own.seed, budget=own.budget)
    go_on(strategy, evaluator, kept, folder, part)
    weights = partial(parameter_count, evaluator.space, config=network_config(own, data))
    finals = with_largest(strategy, finalists, weights) if favour_largest else strategy.finalists(finalists)
    values = []
    for genotype in finals:
        labels = [evaluator.measure(evaluator.space.architecture(genotype))]
        labels += [evaluator.label(genotype, own.labels.seeds + index) for index in range(TRAININGS)]
        values.append([float(objective(one)) for one in labels])
    means = [fmean(one) for one in values]
    place = named(values, [weights(one) for one in finals]) if favour_largest else means.index(min(means))
    return keep(folder, part, finals[place], int(evaluator.cost))


def go_on(strategy: Strategy, evaluator: ChargedEvaluator, kept: dict[str, Any], folder: RunFolder, part: str) -> None:
    """Take up a search where it stopped, and keep every step of it."""
    if kept:
        strategy.load_state_dict(kept["strategy"])
        evaluator.load_state_dict(kept["evaluator"])
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
        parts.save(folder, part, {"strategy": strategy.state_dict(), "evaluator": evaluator.state_dict()})


def keep(folder: RunFolder, part: str, winner: Genotype, cost: int) -> Found:
    """Keep the winner of a search, and return it."""
    parts.save(folder, part, {"winner": winner.to_json(), "cost": cost})
    return Found(genotype=winner, cost=cost)


def read_found(kept: dict[str, Any]) -> Found:
    """Return the winner that `keep` kept."""
    return Found(genotype=Genotype.from_json(kept["winner"]), cost=kept["cost"])

"""Searches of a study: one step at a time, each step kept, and a winner by the final rule."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import torch

from wsrnas.data import DataBundle
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.base import Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.evaluators.trained import Trained
from wsrnas.spaces.genotype import Genotype
from wsrnas.studies import parts


@dataclass(frozen=True, kw_only=True)
class Found:
    """The winner of a search, and the image passes it took."""

    genotype: Genotype
    cost: int


def search_trained(
    part: str, own: SearchConfig, finalists: int, data: DataBundle, runtime: Runtime, folder: RunFolder
) -> Found:
    """Run, or go on with, a search whose labels are short trainings, and name its winner by the final rule.

    Successive halving over trainings: the best `finalists` by their label are trained once more with another label
    seed, the better half of them by the mean of their labels again, and so on until one is left.

    Source: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS
    2016, with trainings of one length in place of longer ones.
    """
    kept = parts.load(folder, part) or {}
    if "winner" in kept:
        return read_found(kept)
    evaluator = Trained(own, data, runtime)
    objective = own.spectrum.objective()
    strategy = build_strategy(own.strategy, evaluator, objective, own.seed, budget=own.budget)
    go_on(strategy, evaluator, kept, folder, part)
    named = strategy.finalists(finalists)
    labels = {genotype: [evaluator.measure(evaluator.space.architecture(genotype))] for genotype in named}

    def value(genotype: Genotype) -> float:
        return float(objective(torch.stack(labels[genotype]).mean(dim=0)))

    for index in count(own.labels.seeds):
        if len(named) == 1:
            break
        for genotype in named:
            labels[genotype].append(evaluator.label(genotype, index))
        named = sorted(named, key=value)[: len(named) // 2]
    return keep(folder, part, named[0], int(evaluator.cost))


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

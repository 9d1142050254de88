"""The searches of the study: one step at a time, each step kept, and a winner by the final rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from wsrnas import rng
from wsrnas.data import DataBundle
from wsrnas.parts import PartConfig
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.base import Budget, Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.evaluators.trained import Trained
from wsrnas.search.plan import planned
from wsrnas.spaces import sampling
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.studies import parts
from wsrnas.studies.payoff.config import PayoffConfig, paper_search

SAMPLES = 200
STRATEGIES = {"ours": "wsr-nas", "random": "random"}


@dataclass(frozen=True, kw_only=True)
class Found:
    """The winner of a search, and the image passes it took."""

    genotype: Genotype
    cost: int


def search(name: str, config: PayoffConfig, index: int, data: DataBundle, runtime: Runtime, folder: RunFolder) -> Found:
    """Run, or go on with, the `index`-th search of `ours` or `random` and name its winner by the final rule."""
    part = f"search-{name}-{index}"
    kept = parts.load(folder, part) or {}
    if "winner" in kept:
        return _found(kept)
    own = replace(config.search, seed=config.search.seed + index, strategy=PartConfig(name=STRATEGIES[name]))
    evaluator = Trained(own, data, runtime)
    objective = own.spectrum.objective()
    strategy = build_strategy(own.strategy, evaluator, objective, own.seed, budget=own.budget)
    with folder.timed(f"search {name}"):
        _go_on(strategy, evaluator, kept, folder, part)
        finalists = strategy.finalists(config.finalists)
        values = []
        for genotype in finalists:
            first = evaluator.measure(evaluator.space.architecture(genotype))
            second = evaluator.label(genotype, own.labels.seeds)
            values.append(float(objective(torch.stack([first, second]).mean(dim=0))))
    winner = finalists[values.index(min(values))]
    return _keep(folder, part, winner, int(evaluator.cost))


def paper_winner(
    cost: int, config: PayoffConfig, index: int, data: DataBundle, runtime: Runtime, folder: RunFolder
) -> Found:
    """Run the paper's preset for as many architectures as the same image passes allow."""
    part = f"search-paper-{index}"
    kept = parts.load(folder, part) or {}
    if "winner" in kept:
        return _found(kept)

    def made(budget: Budget) -> OneShot:
        return OneShot(paper_search(config.search, config.search.seed + index, budget), data, runtime)

    def passes(budget: Budget) -> int:
        evaluator = made(budget)
        return sum(planned(evaluator.config, data, evaluator).values())

    evaluator = made(affordable(passes, cost))
    own = evaluator.config
    strategy = build_strategy(own.strategy, evaluator, own.spectrum.objective(), own.seed, budget=own.budget)
    with folder.timed("search paper"):
        _go_on(strategy, evaluator, kept, folder, part)
    return _keep(folder, part, strategy.result(), int(evaluator.cost))


def _go_on(strategy: Strategy, evaluator: ChargedEvaluator, kept: dict[str, Any], folder: RunFolder, part: str) -> None:
    """Take up a search where it stopped, and keep every step of it."""
    if kept:
        strategy.load_state_dict(kept["strategy"])
        evaluator.load_state_dict(kept["evaluator"])
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
        parts.save(folder, part, {"strategy": strategy.state_dict(), "evaluator": evaluator.state_dict()})


def affordable(passes: Callable[[Budget], int], cost: int) -> Budget:
    """Return the largest budget with N = T whose planned passes are no more than `cost`; one of each at least."""
    size = 1
    each = passes(Budget(population=2, iterations=2)) - passes(Budget(population=1, iterations=1))
    while (planned := passes(Budget(population=size + 1, iterations=size + 1))) <= cost:
        size += 1 + (cost - planned) // (2 * max(each, 1))
    return Budget(population=size, iterations=size)


def largest(space: SearchSpace, sizes: NetworkConfig, seed: int) -> Genotype:
    """Return the architecture that adding weights leads to from the largest of random ones."""
    drawn = [space.sample(rng.stream(seed, "payoff", "largest", index)) for index in range(SAMPLES)]
    return sampling.largest(space, drawn, sizes)


def _keep(folder: RunFolder, part: str, winner: Genotype, cost: int) -> Found:
    parts.save(folder, part, {"winner": winner.to_json(), "cost": cost})
    return Found(genotype=winner, cost=cost)


def _found(kept: dict[str, Any]) -> Found:
    return Found(genotype=Genotype.from_json(kept["winner"]), cost=kept["cost"])

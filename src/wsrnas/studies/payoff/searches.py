"""The searches that the study compares: ours, random search, and those whose labels come from shared weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wsrnas import rng
from wsrnas.data import DataBundle
from wsrnas.parts import PartConfig
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.base import Budget, Calls, Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import passes_of_trainings
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.evaluators.trained import Trained
from wsrnas.search.plan import planned
from wsrnas.spaces import sampling
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.studies import parts
from wsrnas.studies.payoff.config import ONE_SHOT_FINALISTS, PayoffConfig, one_shot_search, paper_search
from wsrnas.studies.searches import Found, go_on, keep, read_found, search_trained

SAMPLES = 200
STRATEGIES = ("ours", "random")


def search(name: str, config: PayoffConfig, index: int, data: DataBundle, runtime: Runtime, folder: RunFolder) -> Found:
    """Run, or go on with, the `index`-th search of `ours` or `random` and name its winner by the final rule."""
    strategy = config.search.strategy if name == "ours" else PartConfig(name=name)
    own = replace(config.search, seed=config.search.seed + index, strategy=strategy)
    with folder.timed(f"search {name}"):
        return search_trained(f"search-{name}-{index}", own, config.finalists, data, runtime, folder)


def paper_winner(
    cost: int, config: PayoffConfig, index: int, data: DataBundle, runtime: Runtime, folder: RunFolder
) -> Found:
    """Run the paper's preset for as many architectures as `cost` image passes allow."""
    part = f"search-paper-{index}"
    kept = parts.load(folder, part) or {}
    if "winner" in kept:
        return read_found(kept)
    seed = config.search.seed + index
    with folder.timed("search paper"):
        strategy, evaluator = _shared(paper_search, config, seed, cost, data, runtime)
        go_on(strategy, evaluator, kept, folder, part)
    return keep(folder, part, strategy.result(), int(evaluator.cost))


def one_shot_winner(
    cost: int, config: PayoffConfig, index: int, data: DataBundle, runtime: Runtime, folder: RunFolder
) -> Found:
    """Run ours under shared weights for what `cost` leaves after training its finalists, and name the best of them."""
    part = f"search-one-shot-{index}"
    kept = parts.load(folder, part) or {}
    if "winner" in kept:
        return read_found(kept)
    own = replace(config.search, seed=config.search.seed + index)
    trainings = sum(passes_of_trainings(own, data, Calls(measure=ONE_SHOT_FINALISTS)).values())
    with folder.timed("search one-shot"):
        strategy, evaluator = _shared(one_shot_search, config, own.seed, cost - trainings, data, runtime)
        go_on(strategy, evaluator, kept, folder, part)
        finalists, judge = strategy.finalists(ONE_SHOT_FINALISTS), Trained(own, data, runtime)
        losses = [judge.measure(judge.space.architecture(genotype)) for genotype in finalists]
        values = [float(own.spectrum.objective()(one)) for one in losses]
    return keep(folder, part, finalists[values.index(min(values))], int(evaluator.cost + judge.cost))


def _shared(
    settings: Callable[[SearchConfig, int, Budget], SearchConfig],
    config: PayoffConfig,
    seed: int,
    cost: int,
    data: DataBundle,
    runtime: Runtime,
) -> tuple[Strategy, OneShot]:
    """Return a strategy under shared weights with the largest budget that costs no more."""

    def made(budget: Budget) -> OneShot:
        return OneShot(settings(config.search, seed, budget), data, runtime)

    def passes(budget: Budget) -> int:
        evaluator = made(budget)
        return sum(planned(evaluator.config, data, evaluator).values())

    evaluator = made(affordable(passes, cost))
    own = evaluator.config
    return build_strategy(own.strategy, evaluator, own.spectrum.objective(), own.seed, budget=own.budget), evaluator


def affordable(passes: Callable[[Budget], int], cost: int) -> Budget:
    """Return the largest budget with N = T whose planned passes are no more than `cost`; one of each at least."""
    size = 1
    each = passes(Budget(population=2, iterations=2)) - passes(Budget(population=1, iterations=1))
    while (planned := passes(Budget(population=size + 1, iterations=size + 1))) <= cost:
        size += 1 + (cost - planned) // (2 * max(each, 1))
    return Budget(population=size, iterations=size)


def largest(space: SearchSpace, sizes: NetworkConfig, seed: int) -> Genotype:
    """Return the architecture that adding weights leads to from the largest of random ones, all within the space."""
    drawn = [space.sample(rng.stream(seed, "payoff", "largest", index)) for index in range(SAMPLES)]
    return sampling.largest(space, drawn, sizes)

"""How well each policy ranks final networks, at what cost, and how well anything can."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from wsrnas import rng
from wsrnas.errors import at_least
from wsrnas.studies.labels.ledger import Ledger
from wsrnas.studies.labels.policies import policies_of
from wsrnas.studies.labels.table import Array, LabelTable
from wsrnas.studies.one_shot.ranks import Bootstrap, estimate

CANDIDATES = 12
"""Of so many random genotypes the best by a label is taken: as many as a search in `study payoff` looks at."""


def judge(table: LabelTable, *, draws: int = 2000, seed: int = 0, repeats: int = 20) -> dict[str, Any]:
    """Judge every policy of a table by the wide accuracy of the final networks, the mean of their seeds.

    Per policy `cost`, image passes a genotype; `tau`, Kendall's τ; `tau_one_size`, the same over the pairs that have
    equally many parameters; `gain`, in points, of the best of `CANDIDATES`; `difference`, its τ less that of the
    default, the longest training alone. Each with a 95 % bootstrap interval over
    genotypes; those of differences are paired. Policies that draw anything are run `repeats` times and averaged.
    """
    at_least(10, draws=draws)
    at_least(1, repeats=repeats)
    bootstrap = Bootstrap(len(table.genotypes), draws=draws, seed=seed)
    default = f"alone-{table.epochs('alone')[-1]}"
    taus: dict[str, Array] = {}
    found: dict[str, dict[str, Any]] = {}
    for policy in policies_of(table):
        runs, equal, gains, costs = [], [], [], []
        for repeat in range(repeats if policy.draws else 1):
            ledger = Ledger(table)
            scores = policy.scores(ledger, rng.derive_seed(seed, policy.name, repeat))
            runs.append(bootstrap.kendall(scores, table.truth))
            equal.append(bootstrap.kendall(scores, table.truth, table.parameters))
            gains.append(gain_of_best(bootstrap.weights, scores, table.truth, CANDIDATES))
            costs.append(ledger.cost)
        taus[policy.name] = np.mean(runs, axis=0)
        found[policy.name] = {
            "cost": float(np.mean(costs)),
            "tau": asdict(estimate(taus[policy.name])),
            "tau_one_size": asdict(estimate(np.mean(equal, axis=0))),
            "gain": asdict(estimate(np.mean(gains, axis=0))),
        }
    for name, one in found.items():
        one["difference"] = asdict(estimate(taus[name] - taus[default]))
    return {
        "about": table.about,
        "architectures": len(table.genotypes),
        "pairs_of_one_size": pairs_of_one_size(table),
        "seeds": table.wide.shape[1],
        "candidates": CANDIDATES,
        "default": default,
        "mean": float(table.truth.mean()),
        "ceiling": ceiling(table, bootstrap),
        "policies": found,
    }


def pairs_of_one_size(table: LabelTable) -> int:
    """Return how many pairs of genotypes have equally many parameters."""
    counts = np.unique(table.parameters, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def gain_of_best(weights: Array, scores: Array, truth: Array, count: int) -> Array:
    """Return by how much the best of `count` by its score is above the mean in truth, over all sets of so many.

    The best of a set drawn without replacement is in the first c of n in the order of the scores with the chance
    1 − C(n−c, count)/C(n, count).

    Args:
        weights: how often each genotype is among the n of a draw, (R, n).
    """
    size = len(truth)
    count = min(count, size)
    beyond = np.array([math.comb(size - c, count) / math.comb(size, count) for c in range(size + 1)])
    order = np.argsort(-scores, kind="stable")
    upto = np.cumsum(weights[:, order], axis=1).astype(int)
    before = np.concatenate([np.zeros((len(weights), 1), dtype=int), upto[:, :-1]], axis=1)
    chosen = ((beyond[before] - beyond[upto]) * truth[order]).sum(axis=1)
    return np.asarray(chosen - weights @ truth / size)


def ceiling(table: LabelTable, bootstrap: Bootstrap) -> dict[str, Any]:
    """Return how far the final measure itself can be trusted, each with its interval.

    `one`, the correlation of one training seed with another, mean over the pairs; `reliability` of the mean of K
    seeds, K·r/(1 + (K−1)·r) (Spearman-Brown); `tau`, what a perfect label would reach, 2/π·arcsin √reliability where
    both are normal; `another`, the τ of one more final training with the mean of the others, `another_one_size`
    over the pairs of equally many parameters, and its `gain`;
    `architectures` and `trainings`, the standard deviations between them in points.
    """
    wide, weights = table.wide, bootstrap.weights
    count = wide.shape[1]
    one = np.mean([_pearson(weights, wide[:, i], wide[:, j]) for i, j in combinations(range(count), 2)], axis=0)
    floor = np.clip(one, 0.0, 1.0)
    reliability = count * floor / (1 + (count - 1) * floor)
    others = [np.delete(wide, seed, axis=1).mean(axis=1) for seed in range(count)]
    another = np.mean([bootstrap.kendall(wide[:, seed], others[seed]) for seed in range(count)], axis=0)
    sizes = table.parameters
    equal = np.mean([bootstrap.kendall(wide[:, seed], others[seed], sizes) for seed in range(count)], axis=0)
    gains = [gain_of_best(weights, wide[:, seed], others[seed], CANDIDATES) for seed in range(count)]
    total = weights.sum(axis=1)
    within = weights @ wide.var(axis=1, ddof=1) / total
    means = weights @ table.truth / total
    between = (weights @ table.truth**2 / total - means**2) * total / (total - 1) - within / count
    return {
        "one": asdict(estimate(one)),
        "reliability": asdict(estimate(reliability)),
        "tau": asdict(estimate(2 / np.pi * np.arcsin(np.sqrt(reliability)))),
        "another": asdict(estimate(another)),
        "another_one_size": asdict(estimate(equal)),
        "gain": asdict(estimate(np.mean(gains, axis=0))),
        "architectures": asdict(estimate(np.sqrt(np.maximum(between, 0.0)))),
        "trainings": asdict(estimate(np.sqrt(within))),
    }


def _pearson(weights: Array, x: Array, y: Array) -> Array:
    total = weights.sum(axis=1)

    def mean(values: Array) -> Array:
        return np.asarray(weights @ values / total)

    covariance = mean(x * y) - mean(x) * mean(y)
    spreads = (mean(x**2) - mean(x) ** 2) * (mean(y**2) - mean(y) ** 2)
    return np.where(spreads > 0, covariance / np.sqrt(np.maximum(spreads, 1e-12)), 0.0)

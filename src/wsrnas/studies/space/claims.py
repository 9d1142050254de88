"""What the variances mean for a search: what the best of k gains, and what a claim of a gain takes."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from wsrnas.errors import at_least
from wsrnas.studies.space.components import Array, Components

POWER = 0.8


@lru_cache
def best_of(count: int) -> float:
    """Return the expected maximum of `count` standard normal draws, ∫ x·k·φ(x)·Φ(x)^(k−1) dx."""
    at_least(1, count=count)

    def density(x: float) -> float:
        return float(x * count * norm.pdf(x) * norm.cdf(x) ** (count - 1))

    return float(quad(density, -12, 12, limit=200)[0])


def reliability(found: Components, trainings: int) -> Array:
    """Return the squared correlation of a label, the mean of so many trainings, with the architecture's own accuracy.

    ρ² = σ²_A / (σ²_A + (σ²_S + σ²_T)/trainings); 0 where architectures do not differ.
    """
    noise = (found.seed + found.sampling) / trainings
    total = found.architecture + noise
    return np.divide(found.architecture, total, out=np.zeros_like(total), where=total > 0)


def gain_of_best(found: Components, count: int, trainings: int | None) -> Array:
    """Return by how much the best of `count` random architectures beats their mean: σ_A·ρ·E[max of k normals].

    Chosen by labels that are the mean of so many `trainings`; None chooses by the truth, so it is the ceiling.
    """
    rho = np.ones_like(found.architecture) if trainings is None else np.sqrt(reliability(found, trainings))
    return np.sqrt(found.architecture) * rho * best_of(count)


def observed_gain(networks: Array, count: int) -> float:
    """Return what choosing by one training gained among these very architectures, on average over all sets of `count`.

    The best of a set by one seed is judged by the mean of its other seeds, less that of all architectures; every seed
    is the label once. Σ_j C(n−1−j, count−1)/C(n, count)·(a_j − ā), j from 0 in the order of the labels. Assumes nothing
    about how architectures are distributed.

    Args:
        networks: accuracies (n architectures, m seeds), m ≥ 2.
    """
    size, seeds = networks.shape
    chances = np.array([math.comb(size - 1 - place, count - 1) for place in range(size)]) / math.comb(size, count)
    gains = []
    for seed in range(seeds):
        judged = np.delete(networks, seed, axis=1).mean(axis=1)
        order = np.argsort(-networks[:, seed], kind="stable")
        gains.append(float(chances @ judged[order] - judged.mean()))
    return float(np.mean(gains))


def searches_needed(found: Components, gain: float, *, rivals: int, seeds: int) -> Array:
    """Return how many searches show a gain over the mean of random rivals at the level 0.05 with power 0.8.

    ((z_.975 + z_.8)/gain)² · (σ²_w + σ²_w/rivals + σ²_A·(1 + 1/rivals)), σ²_w = (σ²_S + σ²_T)/seeds: winners differ
    among themselves as random architectures do, at most.
    """
    own = (found.seed + found.sampling) / seeds
    variance = (own + found.architecture) * (1 + 1 / rivals)
    factor = (norm.ppf(0.975) + norm.ppf(POWER)) / gain
    return np.asarray(np.ceil(factor**2 * variance), dtype=np.float64)


def seeds_needed(found: Components, gain: float) -> Array:
    """Return how many seeds of each of two architectures show that they differ by a gain: 2·((z+z)/gain)²·σ²_w."""
    factor = (norm.ppf(0.975) + norm.ppf(POWER)) / gain
    return np.asarray(np.ceil(2 * factor**2 * (found.seed + found.sampling)), dtype=np.float64)


def verdict(gains: dict[str, float], observed: float, p_value: float, *, count: int, worth: float) -> str:
    """Say in words whether a search can pay.

    Args:
        gains: what the best of k by one training each gains, in points, were architectures distributed normally.
        observed: the same of the best of `count` among the architectures at hand, see `observed_gain`.
    """
    shown = (
        f"by one training each the best of 20 gains {gains['value']:.1f} points ({gains['low']:.1f} to "
        f"{gains['high']:.1f}) if architectures are distributed normally; among those at hand the best of {count} "
        f"gains {observed:.1f}"
    )
    if math.isfinite(p_value) and p_value < 0.05 and min(gains["low"], observed) >= worth:
        return f"A search can pay: {shown}."
    if gains["high"] < worth:
        return f"A search cannot pay here: {shown}; {worth:g} would be worth it."
    return f"Whether a search pays is open: {shown}; {worth:g} would be worth it."

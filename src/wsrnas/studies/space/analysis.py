"""From scores by architecture, seed and image to variances and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from wsrnas.networks.cost import Cost
from wsrnas.studies.space.claims import gain_of_best, observed_gain, reliability, searches_needed, seeds_needed, verdict
from wsrnas.studies.space.components import Array, components, differ, interval, mean_squares
from wsrnas.studies.space.config import SpaceStudyConfig

COUNTS = (8, 20, 100)
GAINS = (0.5, 1.0, 1.5)
RIVALS = 8
"""Random architectures of its size that a winner is compared with."""
ASKED = 20


def analysis(config: SpaceStudyConfig, scores: Array, costs: Sequence[Cost]) -> dict[str, Any]:
    """Return the study as JSON, in points of wide accuracy.

    Args:
        scores: share of the strengths that each image is right at, (architectures, seeds, images).
        costs: parameters and multiply-adds of each architecture.
    """
    points = 100 * scores
    squares = mean_squares(points)
    found = components(squares, draws=config.draws, seed=config.search.seed)
    networks = points.mean(axis=2)
    means = networks.mean(axis=1)
    gains = {
        str(count): {
            "one training": interval(gain_of_best(found, count, 1)),
            "two trainings": interval(gain_of_best(found, count, 2)),
            "the truth": interval(gain_of_best(found, count, None)),
        }
        for count in COUNTS
    }
    p_value = differ(squares)
    seen = min(COUNTS[0], len(networks))
    observed = observed_gain(networks, seen)
    asked = {
        f"{gain:g}": {
            "searches": interval(searches_needed(found, gain, rivals=RIVALS, seeds=2)),
            "seeds of two architectures": interval(seeds_needed(found, gain)),
        }
        for gain in GAINS
    }
    work = [float(cost.multiply_adds) for cost in costs]
    return {
        "mean": float(means.mean()),
        "variance": {name: interval(getattr(found, name)) for name in ("architecture", "seed", "sampling")},
        "deviation": {name: interval(np.sqrt(getattr(found, name))) for name in ("architecture", "seed", "sampling")},
        "p_value": p_value,
        "reliability": interval(reliability(found, 1)),
        "gains": gains,
        "observed": {"of": seen, "gain": observed},
        "needs": asked,
        "verdict": verdict(gains[str(ASKED)]["one training"], observed, p_value, count=seen, worth=config.worth),
        "multiply_adds": float(spearmanr(work, means).statistic) if len(set(work)) > 1 else float("nan"),
        "order": [int(place) for place in np.argsort(-means, kind="stable")],
        "architectures": [
            {"parameters": cost.parameters, "multiply_adds": cost.multiply_adds, "wide": list(map(float, row))}
            for cost, row in zip(costs, networks)
        ],
    }

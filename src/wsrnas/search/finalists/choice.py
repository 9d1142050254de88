"""Which finalist is named where each was trained alone: the largest of those not told apart from the best."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, variance

from wsrnas.errors import refuse
from wsrnas.search.base import Strategy
from wsrnas.spaces.genotype import Genotype

TOLD_APART = 2.0
"""Standard errors of a difference beyond which two finalists are told apart: about 95 % of normal errors."""


def with_largest(strategy: Strategy, count: int, parameters: Callable[[Genotype], int]) -> list[Genotype]:
    """Return a strategy's best `count` candidates, the largest of all it measured in place of the last of them."""
    found = strategy.finalists(count)
    largest = max(strategy.finalists(strategy.total_iterations), key=parameters)
    return found if largest in found or count < 2 else [*found[: count - 1], largest]


def named(values: Sequence[Sequence[float]], parameters: Sequence[int]) -> int:
    """Return the place of the finalist that is named.

    s² is the variance of the trainings of one finalist, pooled over all; i is not told apart from the best b where
    mean_i − mean_b ≤ 2·s·√(1/n_i + 1/n_b). Of those the one with the most parameters is named, the best of equals: the
    lowest of several noisy means flatters itself, and size is the best that is known of robustness before any training
    (docs/decisions/0013-largest-unless-beaten.md). With one training each nothing is known of s, and the best is named.

    Args:
        values: objective of every training of each finalist, lower is better.
        parameters: of each finalist.

    Raises:
        InputError: nothing to choose from, or values and parameters of different length.
    """
    if not values or len(values) != len(parameters) or not all(values):
        expected = "a value or more for each of as many finalists as there are parameters"
        refuse("values", expected=expected, got=[len(one) for one in values])
    means = [fmean(one) for one in values]
    best = min(range(len(means)), key=means.__getitem__)
    freedom = sum(len(one) - 1 for one in values)
    if freedom == 0:
        return best
    deviation = math.sqrt(sum((len(one) - 1) * variance(one) for one in values if len(one) > 1) / freedom)

    def apart(place: int) -> bool:
        error = deviation * math.sqrt(1 / len(values[place]) + 1 / len(values[best]))
        return means[place] - means[best] > TOLD_APART * error

    left = [place for place in range(len(means)) if not apart(place)]
    return max(left, key=lambda place: (parameters[place], -means[place]))

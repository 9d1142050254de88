"""Intervals, paired tests and summary numbers of a robustness curve."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import binomtest

from wsrnas.errors import refuse
from wsrnas.rng import stream

AREA_WEIGHTING = "uniform in strength (trapezoid rule over the strengths given, divided by their range)"


def normal_quantile(level: float) -> float:
    """Return z such that a standard normal lies in ±z with probability `level`."""
    check_level(level)
    return statistics.NormalDist().inv_cdf(0.5 + level / 2)


def check_level(level: float) -> None:
    """Refuse what is no probability."""
    if not 0 < level < 1:
        refuse("level", expected="a probability between 0 and 1, such as 0.95", got=level)


def wilson_interval(correct: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n), Wilson (1927), doi:10.1080/01621459.1927.10502953.

    Raises:
        InputError: no images, or more correct ones than images.
    """
    if total < 1 or not 0 <= correct <= total:
        refuse("correct", expected=f"a count between 0 and total={total}, total >= 1", got=correct)
    check_level(level)
    interval = binomtest(correct, total).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def images_for_interval(half_width: float, *, level: float = 0.95) -> int:
    """Return how many images make the Wilson interval at 50 % accuracy no wider than ± `half_width`.

    At p = 1/2 the half width is z / (2 √(n + z²)), so n = z²/(4h²) − z².
    """
    if not 0 < half_width < 0.5:
        refuse("interval", expected="half the width of the interval as a fraction, such as 0.02", got=half_width)
    z = normal_quantile(level)
    return max(1, math.ceil(z * z / (4 * half_width * half_width) - z * z))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided exact McNemar p-value.

    `only_first` images are right under the first model alone, `only_second` under the second alone; under the null
    hypothesis each such image falls either way with probability 1/2: p = min(1, 2 P[Bin(n, 1/2) ≤ min]).
    """
    if only_first < 0 or only_second < 0:
        refuse("discordant counts", expected="counts >= 0", got=(only_first, only_second))
    total = only_first + only_second
    return float(binomtest(only_first, total, 0.5).pvalue) if total else 1.0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """First minus second accuracy on the same images, with its interval and the exact McNemar p-value."""

    value: float
    low: float
    high: float
    p_value: float
    only_first: int
    only_second: int


def paired_difference(
    first: Sequence[bool], second: Sequence[bool], *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Difference:
    """Compare two models on the same images: percentile bootstrap over images and McNemar's exact test.

    Raises:
        InputError: the two lists do not describe the same images.
    """
    if len(first) != len(second) or not first:
        refuse("second", expected=f"results of the same {len(first)} images (>= 1)", got=f"{len(second)} results")
    one = torch.tensor([bool(x) for x in first])
    two = torch.tensor([bool(x) for x in second])
    gains = one.double() - two.double()
    only_first, only_second = int((one & ~two).sum()), int((two & ~one).sum())
    count = len(first)
    # Resampling images is a multinomial draw over the three possible differences, whatever the number of images.
    generator = stream(seed, "bootstrap")
    tries = torch.full((draws,), float(count))
    plus = torch.binomial(tries, torch.full((draws,), only_first / count), generator=generator)
    rest = only_second / (count - only_first) if count > only_first else 0.0
    minus = torch.binomial(tries - plus, torch.full((draws,), rest), generator=generator)
    resampled = (plus - minus).double() / count
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    low, high = torch.quantile(resampled, tails).tolist()
    return Difference(
        value=float(gains.mean()),
        low=low,
        high=high,
        p_value=mcnemar(only_first, only_second),
        only_first=only_first,
        only_second=only_second,
    )


def area_under_curve(strengths: Sequence[float], accuracy: Sequence[float]) -> float:
    """Return the mean accuracy over the range of strengths, `AREA_WEIGHTING`; one strength: its accuracy.

    Raises:
        InputError: lists of different length, empty, or strengths not ascending.
    """
    _check_curve(strengths, accuracy)
    if len(strengths) == 1:
        return accuracy[0]
    pairs = list(zip(strengths, accuracy))
    area = math.fsum((s1 - s0) * (a0 + a1) / 2 for (s0, a0), (s1, a1) in itertools.pairwise(pairs))
    return area / (strengths[-1] - strengths[0])


def median_strength(strengths: Sequence[float], accuracy: Sequence[float]) -> float | None:
    """Return r50, the strength at which half of all images are misclassified, linear between the strengths measured.

    Images that are misclassified without noise count with strength 0. None: accuracy stays above one half.
    """
    _check_curve(strengths, accuracy)
    if accuracy[0] <= 0.5:
        return strengths[0]
    pairs = list(zip(strengths, accuracy))
    for (s0, a0), (s1, a1) in itertools.pairwise(pairs):
        if a1 <= 0.5:
            return s0 + (s1 - s0) * (a0 - 0.5) / (a0 - a1)
    return None


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean and sample standard deviation over seeds; `sd` is None for a single run."""

    mean: float
    sd: float | None
    runs: int

    def __str__(self) -> str:
        """Return ``mean ± sd (runs)``, in percent."""
        if self.sd is None:
            return f"{100 * self.mean:.1f} (1 run)"
        return f"{100 * self.mean:.1f} ± {100 * self.sd:.1f} ({self.runs} runs)"


def over_seeds(values: Sequence[float]) -> Spread:
    """Return mean ± sample standard deviation (n − 1) of one number measured in several runs."""
    if not values:
        refuse("values", expected="at least one run", got="none")
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(mean=statistics.fmean(values), sd=sd, runs=len(values))


def _check_curve(strengths: Sequence[float], accuracy: Sequence[float]) -> None:
    if len(strengths) != len(accuracy) or not strengths:
        refuse("accuracy", expected=f"one value for each of {len(strengths)} strengths", got=f"{len(accuracy)} values")
    if any(b <= a for a, b in itertools.pairwise(strengths)):
        refuse("strengths", expected="strictly ascending strengths", got=list(strengths))

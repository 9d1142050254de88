"""Rank correlations with bootstrap intervals over genotypes, all draws at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wsrnas.errors import refuse

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number over genotypes with its 95 % percentile bootstrap interval."""

    value: float
    low: float
    high: float


class Bootstrap:
    """Weights of n genotypes: the first row all ones (the sample itself), then multinomial draws of n out of n.

    Statistics of several measurements on the same draws can be subtracted: their differences are paired.
    """

    def __init__(self, count: int, *, draws: int, seed: int) -> None:
        resampled = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
        self.weights: Array = np.concatenate([np.ones((1, count)), resampled.astype(np.float64)])

    def kendall(self, x: Array, y: Array, among: Array | None = None) -> Array:
        """Return Kendall's τ_b of every draw: Σ w_i w_j s_ij t_ij / √(Σ w_i w_j |s_ij| · Σ w_i w_j |t_ij|).

        s and t are the signs of the differences in x and y. NaN where all are tied. Only pairs whose genotypes have
        the same value of `among` count, where it is given.
        """
        _check(x, y)
        left, right = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
        if among is not None:
            _check(x, among)
            left, right = left * (among[:, None] == among), right * (among[:, None] == among)
        return self._form(left * right) / _root(self._form(np.abs(left)) * self._form(np.abs(right)))

    def spearman(self, x: Array, y: Array) -> Array:
        """Return Spearman's ρ of every draw, ties sharing their mean rank. NaN where all are tied."""
        _check(x, y)
        left, right = self._centred_ranks(x), self._centred_ranks(y)
        products = (self.weights * left * right).sum(axis=1)
        spreads = (self.weights * left**2).sum(axis=1) * (self.weights * right**2).sum(axis=1)
        return products / _root(spreads)

    def _form(self, pairs: Array) -> Array:
        return np.einsum("ri,ij,rj->r", self.weights, pairs, self.weights, optimize=True)

    def _centred_ranks(self, x: Array) -> Array:
        below, equal = (x[:, None] > x).astype(float), (x[:, None] == x).astype(float)
        ranks = self.weights @ below.T + (self.weights @ equal.T + 1) / 2
        return ranks - (self.weights * ranks).sum(axis=1, keepdims=True) / self.weights.sum(axis=1, keepdims=True)


def estimate(values: Array) -> Estimate:
    """Return the statistic of the sample (the first value) and the interval of the draws; undefined draws are left out.

    A percentile of too few or no draws is NaN.
    """
    drawn = values[1:][np.isfinite(values[1:])]
    if not len(drawn):
        return Estimate(float(values[0]), float("nan"), float("nan"))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(float(values[0]), float(low), float(high))


def partial(xy: Array, xz: Array, yz: Array) -> Array:
    """Return the partial correlation of x and y given z, (xy − xz·yz) / √((1 − xz²)(1 − yz²))."""
    return (xy - xz * yz) / _root((1 - xz**2) * (1 - yz**2))


def _root(values: Array) -> Array:
    return np.where(values > 1e-12, np.sqrt(np.maximum(values, 1e-12)), np.nan)


def _check(x: Array, y: Array) -> None:
    if x.shape != y.shape or x.ndim != 1 or len(x) < 2:
        refuse("x, y", expected="two vectors of one length >= 2", got=(x.shape, y.shape))

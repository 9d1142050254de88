"""The gain of winners over what they have to beat, with an interval over searches, opponents and test images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsrnas.errors import refuse

Array = NDArray[np.float64]
Cells = tuple[list[str], list[list[str]]]
LEVEL = 0.95


def gain(winners: Array, opponents: Array, *, draws: int, seed: int) -> dict[str, Any]:
    """Return the mean gain in points, its percentile bootstrap interval, and in how many searches it is above 0.

    Every draw takes searches, the K opponents and test images with replacement, so that the number of each counts:
    1/(JK)·Σ_jk (w_j − o_jk) over what was taken. A winner and its opponents stay together, and the k-th opponent of
    one search with that of the others, which may be the same network.

    Args:
        winners: score of every image in [0,1], mean over training seeds, (J searches, t images).
        opponents: the same of the K opponents of each search, (J, K, t).

    Raises:
        InputError: arrays that do not fit, or no search.
    """
    fits = winners.ndim == 2 and opponents.ndim == 3 and opponents.shape[::2] == winners.shape
    if not fits or not opponents.size:
        refuse("winners, opponents", expected="(J, t) and (J, K, t)", got=(winners.shape, opponents.shape))
    count, many, images = opponents.shape
    random = np.random.default_rng(seed)
    weights = random.multinomial(images, np.full(images, 1 / images), size=draws) / images
    searches = random.integers(count, size=(draws, count))
    rivals = random.integers(many, size=(draws, many))
    difference = 100 * (winners[:, None] - opponents)
    drawn = np.einsum("di,jki->djk", weights, difference, optimize=True)
    rows = np.take_along_axis(drawn, searches[:, :, None], axis=1)
    found = np.take_along_axis(rows, rivals[:, None], axis=2).mean(axis=(1, 2))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    each = difference.mean(axis=(1, 2))
    return {
        "gain": float(each.mean()),
        "low": float(low),
        "high": float(high),
        "wins": int((each > 0).sum()),
        "searches": count,
        "each": [float(one) for one in each],
    }


def gains_table(gains: dict[str, dict[str, Any]], words: dict[str, str], first: str) -> Cells:
    """Return the table of gains by opponent, `words` being what each is called; `first` heads their column."""
    rows = [
        [
            words[name],
            f"{one['gain']:+.2f}",
            f"{one['low']:+.2f} to {one['high']:+.2f}",
            f"{one['wins']} of {one['searches']}",
        ]
        for name, one in gains.items()
    ]
    return [first, "gain in points", "95 % interval", "searches won"], rows


def told_apart(one: dict[str, Any], opponent: str) -> str:
    """Say in words what a gain and its interval tell."""
    how = "better than" if one["low"] > 0 else "worse than" if one["high"] < 0 else "not told apart from"
    interval = f"{one['gain']:+.1f} points, {one['low']:+.1f} to {one['high']:+.1f}"
    return f"{how} {opponent} ({interval}, {one['searches']} searches)"

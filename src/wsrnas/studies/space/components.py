"""The variance of accuracy, split into architecture, training seed and test sampling, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as fisher

from wsrnas.errors import refuse

Array = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class MeanSquares:
    """Mean squares of y (n architectures, m seeds of each, t test images), by what they are attributed to.

    Seeds are nested in architectures, images are crossed with both.
    """

    architecture: float
    seed: float
    architecture_image: float
    seed_image: float
    shape: tuple[int, int, int]

    @property
    def freedom(self) -> tuple[int, int, int, int]:
        """Return the degrees of freedom of the four, in order."""
        n, m, t = self.shape
        return n - 1, n * (m - 1), (n - 1) * (t - 1), n * (m - 1) * (t - 1)

    @property
    def values(self) -> Array:
        """Return the four, in order."""
        return np.array([self.architecture, self.seed, self.architecture_image, self.seed_image])


@dataclass(frozen=True, kw_only=True)
class Components:
    """Variances of a network's accuracy: between architectures, between seeds of one, and by the test images drawn.

    `sampling` is the variance of one network's accuracy over test sets of this size, without what all networks share.
    Negative estimates are set to nothing.
    """

    architecture: Array
    seed: Array
    sampling: Array


def mean_squares(scores: Array) -> MeanSquares:
    """Return the mean squares of scores (n, m, t); the model is y_asi = μ + A_a + S_as + I_i + (AI)_ai + (SI)_asi.

    Raises:
        InputError: fewer than two architectures, seeds or images.
    """
    if scores.ndim != 3 or min(scores.shape) < 2:
        refuse("scores", expected="at least 2 architectures, 2 seeds and 2 images", got=scores.shape)
    n, m, t = scores.shape
    whole, image = scores.mean(), scores.mean(axis=(0, 1))
    network, training, cell = scores.mean(axis=(1, 2)), scores.mean(axis=2), scores.mean(axis=1)
    crossed = cell - network[:, None] - image + whole
    rest = scores - training[:, :, None] - cell[:, None] + network[:, None, None]
    return MeanSquares(
        architecture=m * t * float(((network - whole) ** 2).sum()) / (n - 1),
        seed=t * float(((training - network[:, None]) ** 2).sum()) / (n * (m - 1)),
        architecture_image=m * float((crossed**2).sum()) / ((n - 1) * (t - 1)),
        seed_image=float((rest**2).sum()) / (n * (m - 1) * (t - 1)),
        shape=(n, m, t),
    )


def components(squares: MeanSquares, *, draws: int, seed: int) -> Components:
    """Return the variances, each an array: the estimate first, then `draws` generalised pivotal quantities.

    E[MS_A] = σ²_SI + m·σ²_AI + t·σ²_S + mt·σ²_A, E[MS_S] = σ²_SI + t·σ²_S, E[MS_AI] = σ²_SI + m·σ²_AI and
    E[MS_SI] = σ²_SI are solved for the variances; sampling is (σ²_AI + σ²_SI)/t. A draw puts ν·MS/χ²_ν, with its own
    χ², in place of every mean square.

    Source: Weerahandi, "Generalized confidence intervals", JASA 1993. Exact where the effects are normal and one mean
    square decides; images are right or wrong, so of their part only the average is near to it.
    """
    _, m, t = squares.shape
    chi = np.random.default_rng(seed).chisquare(squares.freedom, size=(draws, 4)) / np.array(squares.freedom)
    values = np.concatenate([squares.values[None], squares.values / chi])
    a, s, ai, si = values.T
    return Components(
        architecture=np.maximum((a - s - ai + si) / (m * t), 0),
        seed=np.maximum((s - si) / t, 0),
        sampling=(np.maximum((ai - si) / m, 0) + si) / t,
    )


def differ(squares: MeanSquares) -> float:
    """Return the p-value of "architectures do not differ": P[F ≥ MS_A/MS_S], given these test images."""
    first, second = squares.freedom[:2]
    return float(fisher.sf(squares.architecture / squares.seed, first, second)) if squares.seed else float("nan")


def interval(values: Array, *, level: float = LEVEL) -> dict[str, float]:
    """Return the estimate, which comes first, and the central interval of the draws after it."""
    low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}

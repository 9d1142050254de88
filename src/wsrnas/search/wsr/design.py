"""Which architectures to label first: those that say most about all the others."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.estimators.loss.kernel import matern, spread, squared_distances
from wsrnas.search.wsr.estimator import path_features
from wsrnas.search.wsr.known import canonical_key, distinct_samples, encoding_of
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.sampling import largest
from wsrnas.spaces.sized import REFERENCE

CANDIDATES = 512
"""Uniform samples the first architectures are picked from; at least twice as many as are picked."""
NOISE = 0.1
"""ν of the labels to come, as a share of the signal's variance."""


def representative(
    space: SearchSpace, count: int, generator_for: Callable[[int], torch.Generator], *, largest_first: bool = False
) -> list[Genotype]:
    """Return `count` architectures picked from uniform samples one by one, most informative first.

    Each pick x maximises Σ_c k(c,x)²/(k(x,x)+ν): by so much a label of x lowers the variance of a Gaussian process,
    summed over all samples c. Then k(c,d) ← k(c,d) − k(c,x)·k(x,d)/(k(x,x)+ν). Before any label, k is the Matérn kernel
    on words and balances of paths (`PathFeatures`) with lengths 1. Only the samples are random: `generator_for` gives
    the randomness of each. A space with fewer architectures than samples gives those it has. With `largest_first` the
    first pick is, whatever its gain, the architecture with the most parameters that single changes lead to from the
    largest of the samples; in a space with a limit they stay within it.

    Source: Cohn, "Neural network exploration using optimal experiment design", NIPS 1993; for Gaussian processes, Seo
    et al., "Gaussian process regression: active data selection and test point rejection", IJCNN 2000.
    Differs from the paper: it draws from GumbelSoftmax(A) with an A that has not moved, which is uniform.
    """
    samples = distinct_samples(space, max(CANDIDATES, 2 * count), generator_for, at_least=count)
    if largest_first:
        first = largest(space, samples, REFERENCE)
        samples = [first, *(one for one in samples if canonical_key(space, one) != canonical_key(space, first))]
    covariance = _covariance(space, samples)
    left = torch.ones(len(samples), dtype=torch.bool)
    picked: list[Genotype] = []
    for _ in range(count):
        variance = covariance.diagonal()
        gain = (covariance.square().sum(dim=0) / (variance + NOISE)).masked_fill(~left, -1.0)
        # Samples with equal features tie: rounded, the first of them wins on every machine.
        best = 0 if largest_first and not picked else int(gain.round(decimals=9).argmax())
        covariance = covariance - torch.outer(covariance[best], covariance[best]) / (variance[best] + NOISE)
        left[best] = False
        picked.append(samples[best])
    return picked


def _covariance(space: SearchSpace, samples: list[Genotype]) -> Float[Tensor, "N N"]:
    groups = path_features(space)(torch.stack([encoding_of(space, genotype) for genotype in samples]))
    scaled = [group / spread(group) for group in groups]
    return matern([squared_distances(group, group) for group in scaled], (1.0,) * len(scaled))

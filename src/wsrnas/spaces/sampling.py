"""Random architectures of one size: what any claim about an architecture has to be compared with."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import lru_cache

import torch

from wsrnas.errors import refuse
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype

TRIES = 200
"""Uniform draws for each architecture before a walk begins."""
STEPS, MIXING = 4000, 50
"""Steps a walk may take, and how many of them end at the size before an architecture is taken."""
NEAR, PULL = 0.2, 8
"""A walk stays at a distance d with odds (`NEAR` + d)^−`PULL`: drawn from afar, yet over small hills on the way."""


@lru_cache(maxsize=1 << 16)
def parameter_count(space: SearchSpace, genotype: Genotype, config: NetworkConfig) -> int:
    """Return `space.parameters`, remembered."""
    return space.parameters(genotype, config)


def sized_samples(
    space: SearchSpace,
    config: NetworkConfig,
    parameters: int,
    *,
    count: int,
    generator_for: Callable[[int], torch.Generator],
    tolerance: float = 0.05,
    seen: Container[str] = (),
    accept: Callable[[Genotype], bool] = lambda genotype: True,
) -> list[Genotype]:
    """Return `count` distinct random architectures whose parameters are within ±`tolerance` of a number.

    Each is the first of `TRIES` uniform draws that has the size, so uniform among all that have it. Where none has, the
    nearest of them walks: one or two mutations are taken that lead nearer to the size, others with odds that fall with
    the distance. A mutation is as likely as its reverse and all sizes within the tolerance are equally near, so a long
    walk, too, is uniform among the architectures that have the size; two at once keep the size where one cannot.

    Args:
        config: size and data for which parameters are counted.
        generator_for: gives the randomness of each architecture.
        seen: canonical keys of architectures that are not to be returned.
        accept: any other condition, such as a limit on `space.cost`; of one size, multiply-adds differ ten times.

    Raises:
        InputError: numbers out of range, or a size that the space does not have so often; names the nearest found.

    Source: Metropolis et al., "Equation of State Calculations by Fast Computing Machines", 1953.
    """
    if parameters < 1:
        refuse("parameters", expected="at least 1", got=parameters)
    if not 0 <= tolerance < 1:
        refuse("tolerance", expected="a share in [0,1) such as 0.05", got=tolerance)

    def distance(genotype: Genotype) -> float:
        """By which factor too large or too small, less 1; 0 within the tolerance."""
        ratio = parameter_count(space, genotype, config) / parameters
        return 0.0 if abs(ratio - 1) <= tolerance else max(ratio, 1 / ratio) - 1

    found: dict[str, Genotype] = {}

    def wanted(genotype: Genotype) -> bool:
        if distance(genotype) > 0:
            return False
        key = space.canonical(genotype)
        return key not in found and key not in seen and accept(genotype)

    for index in range(count):
        one = wanted_sample(space, distance, wanted, generator_for(index))
        if not wanted(one):
            refuse(
                "parameters",
                expected=f"a size that {count} architectures of {space.name} have at {config.channels} channels",
                got=f"{parameters:,} ± {tolerance:.1%}",
                remedy=f"{len(found)} were found, and another of {parameter_count(space, one, config):,}",
            )
        found[space.canonical(one)] = one
    return list(found.values())


def wanted_sample(
    space: SearchSpace,
    distance: Callable[[Genotype], float],
    wanted: Callable[[Genotype], bool],
    generator: torch.Generator,
) -> Genotype:
    """Return an architecture that is wanted, or the nearest that was found.

    It is the first of `TRIES` uniform draws that is, so uniform among all wanted ones; else the nearest of them walks.
    `distance` is 0 for what may be wanted.
    """
    one = _draw(space, distance, wanted, generator)
    return one if wanted(one) else _walk(space, one, distance, wanted, generator)


def _draw(
    space: SearchSpace,
    distance: Callable[[Genotype], float],
    wanted: Callable[[Genotype], bool],
    generator: torch.Generator,
) -> Genotype:
    """Return the first wanted one of `TRIES` uniform draws, or the nearest of them."""
    draws = []
    for _ in range(TRIES):
        draws.append(space.sample(generator))
        if wanted(draws[-1]):
            return draws[-1]
    return min(draws, key=distance)


def _walk(
    space: SearchSpace,
    one: Genotype,
    distance: Callable[[Genotype], float],
    wanted: Callable[[Genotype], bool],
    generator: torch.Generator,
) -> Genotype:
    """Return a wanted architecture that mutations lead to, or the nearest they led to."""
    nearest, inside = one, 0
    for _ in range(STEPS):
        other = space.mutate(one, generator)
        if float(torch.rand((), generator=generator)) < 0.5:
            other = space.mutate(other, generator)
        odds = ((NEAR + distance(one)) / (NEAR + distance(other))) ** PULL
        if float(torch.rand((), generator=generator)) < odds:
            one = other
        nearest = min(nearest, one, key=distance)
        inside += distance(one) == 0
        if inside > MIXING and wanted(one):
            return one
    return nearest


def descended(space: SearchSpace, one: Genotype, count: Callable[[Genotype], int]) -> Genotype:
    """Return what changing one decision after the other leads to while the count falls, the first of equals."""
    while True:
        best = min(space.neighbours(one), key=count, default=one)
        if count(best) >= count(one):
            return one
        one = best


def largest(space: SearchSpace, starts: Iterable[Genotype], config: NetworkConfig) -> Genotype:
    """Return the architecture that adding weights leads to, one decision at a time, from the largest of some."""

    def weights(genotype: Genotype) -> int:
        return parameter_count(space, genotype, config)

    return descended(space, max(starts, key=weights), lambda genotype: -weights(genotype))

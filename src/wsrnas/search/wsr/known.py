"""What a search asks of its space again and again: remembered answers, and samples it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import lru_cache

import torch

from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Encoding


@lru_cache(maxsize=20_000)
def canonical_key(space: SearchSpace, genotype: Genotype) -> str:
    """Return `space.canonical`, remembered: a search asks for the same few thousand again and again."""
    return space.canonical(genotype)


@lru_cache(maxsize=20_000)
def encoding_of(space: SearchSpace, genotype: Genotype) -> Encoding:
    """Return `space.encode`, remembered; not to be written to."""
    return space.encode(genotype)


@lru_cache(maxsize=2_000)
def neighbours_of(space: SearchSpace, genotype: Genotype) -> tuple[Genotype, ...]:
    """Return `space.neighbours`, remembered: the best architectures stay the best for long."""
    return tuple(space.neighbours(genotype))


def unseen_sample(
    space: SearchSpace, seen: Container[str], generator: torch.Generator, *, tries: int = 200
) -> Genotype:
    """Draw uniformly until the architecture is new; after `tries` draws of a nearly exhausted space, give any."""
    for _ in range(tries):
        genotype = space.sample(generator)
        if canonical_key(space, genotype) not in seen:
            break
    return genotype


def distinct_samples(
    space: SearchSpace, count: int, generator_for: Callable[[int], torch.Generator], *, at_least: int | None = None
) -> list[Genotype]:
    """Draw that many distinct architectures uniformly; `generator_for` gives the randomness of each.

    A space nearly exhausted, as one within a tight limit may be, gives some of them again; with `at_least` it gives
    only so many.
    """
    seen: set[str] = set()
    found: list[Genotype] = []
    for index in range(count):
        genotype = unseen_sample(space, seen, generator_for(index))
        if at_least is not None and len(found) >= at_least and canonical_key(space, genotype) in seen:
            break
        seen.add(canonical_key(space, genotype))
        found.append(genotype)
    return found

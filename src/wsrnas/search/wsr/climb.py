"""From the candidates that ψ likes best, over single changes, to where it likes no change better."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

from wsrnas.search.wsr.known import canonical_key, neighbours_of
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.genotype import Genotype


def fresh(space: SearchSpace, genotypes: Iterable[Genotype], seen: Container[str]) -> dict[str, Genotype]:
    """Return by canonical key the first of each that is not `seen`."""
    found: dict[str, Genotype] = {}
    for genotype in genotypes:
        key = canonical_key(space, genotype)
        if key not in seen:
            found.setdefault(key, genotype)
    return found


def best_reached(
    space: SearchSpace,
    candidates: dict[str, Genotype],
    value_of: Callable[[Sequence[Genotype]], list[float]],
    seen: Container[str],
    climbs: int,
) -> Genotype:
    """Return the genotype of lowest value among the candidates (by canonical key) and what they lead to.

    From each of the best `climbs` candidates in turn: on to the best of the neighbours not `seen`, while it is better.
    """
    known = dict(candidates)
    values = dict(zip(known, value_of(list(known.values()))))
    for key in sorted(values, key=values.__getitem__)[:climbs]:
        while True:
            near = fresh(space, neighbours_of(space, known[key]), seen)
            new = {other: genotype for other, genotype in near.items() if other not in values}
            if new:
                known |= new
                values |= zip(new, value_of(list(new.values())))
            best = min(near, key=values.__getitem__, default=key)
            if values[best] >= values[key]:
                break
            key = best
    return known[min(values, key=values.__getitem__)]

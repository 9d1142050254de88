"""Hard limits on the size of what a search may ask for, name or build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.limited import LimitedSpace
from wsrnas.spaces.sampling import descended, parameter_count
from wsrnas.types import parse_count

STARTS = 8
"""Random architectures from which the smallest one is looked for."""


@dataclass(frozen=True, kw_only=True)
class LimitsConfig:
    """Limits that every architecture of a search keeps, counted for its stand-alone network at the search's size.

    Args:
        params: most parameters, such as 20k or 1.5M; null sets no limit.
        multiply_adds: most multiply-adds of one image, likewise. In cells each count takes as long as building the
            network, so that a search spends minutes on it where parameters cost seconds.
    """

    params: int | str | None = None
    multiply_adds: int | str | None = None

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, int]:
        """Return the limits that are set, by name."""
        given = {"params": self.params, "multiply_adds": self.multiply_adds}
        return {
            name: parse_count(value, argument=f"limits.{name}") for name, value in given.items() if value is not None
        }


@lru_cache(maxsize=1 << 16)
def multiply_add_count(space: SearchSpace, genotype: Genotype, config: NetworkConfig) -> int:
    """Return the multiply-adds of one image, remembered."""
    return space.cost(genotype, config).multiply_adds


COUNTS: dict[str, Callable[[SearchSpace, Genotype, NetworkConfig], int]] = {
    "params": parameter_count,
    "multiply_adds": multiply_add_count,
}


@dataclass(frozen=True, kw_only=True)
class SizeLimit:
    """By which factor an architecture is over the first of the limits that it breaks, less 1; 0 where it keeps all."""

    space: SearchSpace
    sizes: NetworkConfig
    most: tuple[tuple[str, int], ...]

    def __call__(self, genotype: Genotype) -> float:
        """Return the excess; the cheap count comes first."""
        for name, most in self.most:
            over = COUNTS[name](self.space, genotype, self.sizes) / most - 1
            if over > 0:
                return over
        return 0.0


def limited_space(space: SearchSpace, limits: LimitsConfig, sizes: NetworkConfig) -> SearchSpace:
    """Return the part of a space that keeps the limits; the space itself where none is set.

    Raises:
        InputError: a limit below the smallest network; names its size.
    """
    numbers = limits.numbers()
    if not numbers:
        return space
    for name, most in numbers.items():
        least = smallest(space, sizes, name)
        if most < least:
            at = f"{sizes.channels} channels and {sizes.layers} layers"
            remedy = f"no network of {space.name} is smaller at {at}; lower space.channels or raise the limit"
            refuse(f"limits.{name}", expected=f"at least {least:,}", got=f"{most:,}", remedy=remedy)
    limited = LimitedSpace(space=space, excess=SizeLimit(space=space, sizes=sizes, most=tuple(numbers.items())))
    limited.sample(rng.stream(0, "limits"))
    return limited


def smallest(space: SearchSpace, sizes: NetworkConfig, name: str) -> int:
    """Return the smallest count that changing one decision after the other leads to, from several starts."""

    def count(genotype: Genotype) -> int:
        return COUNTS[name](space, genotype, sizes)

    found = []
    for start in range(STARTS):
        one = space.sample(rng.stream(start, "smallest"))
        found.append(count(descended(space, one, count)))
        if name != "params":
            break
    return min(found)

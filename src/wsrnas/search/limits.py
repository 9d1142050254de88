"""Hard limits on the size of what a search may ask for, name or build."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from wsrnas import rng
from wsrnas.errors import at_least, refuse
from wsrnas.search.latency import Latencies
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
        latency_ms: most milliseconds of one forward pass on the run's device, the median of 20 after a warm-up, the
            least of two such. Timed once an architecture; docs/use.md says how sure it is.
        latency_batch: images in that pass.
    """

    params: int | str | None = None
    multiply_adds: int | str | None = None
    latency_ms: int | float | None = None
    latency_batch: int = 1

    def __post_init__(self) -> None:
        at_least(1, **{"limits.latency_batch": self.latency_batch})
        if self.latency_ms is not None and not 0 < self.latency_ms < math.inf:
            refuse("limits.latency_ms", expected="milliseconds above 0", got=self.latency_ms)
        self.numbers()

    def numbers(self) -> dict[str, int | float]:
        """Return the limits that are set, by name, the cheapest to check first."""
        timed = {} if self.latency_ms is None else {"latency_ms": float(self.latency_ms)}
        return {**self.counts(), **timed}

    def counts(self) -> dict[str, int]:
        """Return those that are counted."""
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
    milliseconds: float | None = None
    latencies: Latencies | None = None

    def __call__(self, genotype: Genotype) -> float:
        """Return the excess; the cheap count comes first."""
        for name, most in self.most:
            over = COUNTS[name](self.space, genotype, self.sizes) / most - 1
            if over > 0:
                return over
        if self.milliseconds is None or self.latencies is None:
            return 0.0
        return self.latencies.excess(genotype, self.milliseconds)


def limited_space(
    space: SearchSpace, limits: LimitsConfig, sizes: NetworkConfig, latencies: Latencies | None = None
) -> SearchSpace:
    """Return the part of a space that keeps the limits; the space itself where none is set.

    Args:
        latencies: what times architectures of this space at these sizes; None times them on the CPU.

    Raises:
        InputError: a limit below the smallest network; names its size.
    """
    counts, numbers = limits.counts(), limits.numbers()
    if not numbers:
        return space
    for name, most in counts.items():
        least = smallest(space, sizes, name)
        if most < least:
            at = f"{sizes.channels} channels and {sizes.layers} layers"
            remedy = f"no network of {space.name} is smaller at {at}; lower space.channels or raise the limit"
            refuse(f"limits.{name}", expected=f"at least {least:,}", got=f"{most:,}", remedy=remedy)
    if limits.latency_ms is not None:
        latencies = latencies or Latencies(space, sizes, batch_size=limits.latency_batch)
        _refuse_faster_than_any(float(limits.latency_ms), latencies)
    excess = SizeLimit(
        space=space,
        sizes=sizes,
        most=tuple(counts.items()),
        milliseconds=numbers.get("latency_ms"),
        latencies=latencies,
    )
    limited = LimitedSpace(space=space, excess=excess)
    limited.sample(rng.stream(0, "limits"))
    return limited


def _refuse_faster_than_any(most: float, latencies: Latencies) -> None:
    """Refuse a latency that neither random architectures have, nor those that look fastest."""
    space, sizes = latencies.space, latencies.sizes
    sampled = latencies.sampled()
    small = descended(space, sampled[0], lambda one: parameter_count(space, one, sizes))
    fast = descended(space, small, lambda one: round(1000 * latencies.guess(one)))
    least = min(latencies.measured(one) for one in (*sampled, small, fast))
    if most < least:
        at = f"{sizes.channels} channels, {sizes.layers} layers and batch {latencies.batch_size}"
        remedy = f"no network of {space.name} was faster here at {at}; lower space.channels or raise the limit"
        refuse("limits.latency_ms", expected=f"at least {least:.3g}", got=f"{most:.3g}", remedy=remedy)


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

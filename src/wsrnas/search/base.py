"""What a search strategy and the evaluator it queries look like; both run on a super-network or on a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from torch import Tensor

from wsrnas.errors import at_least
from wsrnas.spaces.base import Architecture, SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Losses

Timer: TypeAlias = Callable[[str], AbstractContextManager[None]]
"""Writes down how long a phase took."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How many architectures a search may look at, whatever its strategy.

    Args:
        population: N, architectures that warm up the shared weights; Wsr-NAS then fills M_v with them.
        iterations: T, architectures measured after these N have been.
    """

    population: int = 100
    iterations: int = 100

    def __post_init__(self) -> None:
        at_least(1, **{"budget.population": self.population})
        at_least(0, **{"budget.iterations": self.iterations})

    @property
    def queries(self) -> int:
        """Return the number of architectures measured, N+T."""
        return self.population + self.iterations


@dataclass(frozen=True, kw_only=True)
class Calls:
    """How often a strategy calls each verb of its evaluator from start to end: what a search costs before it starts."""

    warm_up: int = 0
    measure: int = 0
    measure_clean: int = 0
    remeasure: int = 0
    mixture: int = 0


class Evaluator(ABC):
    """Measures architectures. A super-network trains what it measures; a table looks it up.

    `cost` counts images passed through a network, forward and backward passes one each: the unit in which all
    strategies are charged. `record` says what the last call measured, for the log. `exact` says that a label is the
    truth itself; labels under shared weights never are. `warms_up` says that there are weights to warm up,
    `trains_alone` that each candidate is trained for its label, against noise.
    """

    space: SearchSpace
    strengths: Tensor
    exact: bool = False
    warms_up: bool = True
    trains_alone: bool = False
    cost: float
    record: dict[str, Any]

    @abstractmethod
    def warm_up(self, architecture: Architecture) -> None:
        """Train the shared weights on this architecture for one epoch of D_t (Algorithm 1, lines 2-5)."""

    @abstractmethod
    def measure(self, architecture: Architecture) -> Losses:
        """Train the shared weights on this architecture and return its losses on D_v, index 0 clean."""

    @abstractmethod
    def measure_clean(self, architecture: Architecture) -> Losses:
        """Train the shared weights on this architecture and return its clean loss on D_v, (1,)."""

    @abstractmethod
    def remeasure(self, architecture: Architecture) -> Losses:
        """Return the losses of an architecture under the weights as they are now, without training."""

    @abstractmethod
    def verify(self, architectures: list[Architecture]) -> list[Losses]:
        """Measure finalists once more with the strongest attack at hand, without training anything."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return everything that `measure` depends on."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""


class Strategy(ABC):
    """A search that advances one architecture at a time, so that it can stop and resume between any two steps.

    Subclasses set `name` and take `evaluator`, `objective`, `seed`, what they want of `budget`, `queries` (N+T),
    `warm_up` (N, or 0 where there are no weights) and `timer`, and settings of their own with defaults. All randomness
    comes from `rng.stream(seed, name, purpose, self.iteration)`. `record` says what the last step did, for the log.
    """

    name: ClassVar[str]
    iteration: int
    record: dict[str, Any]

    @property
    @abstractmethod
    def total_iterations(self) -> int:
        """How many steps the search takes."""

    @property
    @abstractmethod
    def calls(self) -> Calls:
        """Return how often each verb of the evaluator is called from start to end."""

    @abstractmethod
    def step(self) -> None:
        """Do iteration `self.iteration` and add one to it."""

    @abstractmethod
    def result(self) -> Genotype:
        """Return the architecture the strategy would return now."""

    @property
    def most_finalists(self) -> int:
        """Return how many architectures `finalists` names at most."""
        return 1

    def finalists(self, count: int) -> list[Genotype]:
        """Return up to `count` distinct architectures worth measuring again, best first."""
        return [self.result()]

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return tensors, numbers, strings and containers of them: loadable with `weights_only=True`."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned, bit for bit."""

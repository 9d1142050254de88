"""Regularised evolution (AmoebaNet)."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, final

import torch

from wsrnas.errors import refuse
from wsrnas.search.base import Evaluator
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.queries import Measured, QueryStrategy
from wsrnas.search.wsr.known import unseen_sample
from wsrnas.spaces.genotype import Genotype


@final
class RegularisedEvolution(QueryStrategy):
    """Fill a queue with `population` uniform samples; then, again and again: draw `sample` of the queue, mutate the
    best of them, append the child, remove the oldest.

    Source: Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, Algorithm 1,
    with its P=100 and S=25. A population larger than half the budget is cut to half the budget.
    """

    name: ClassVar[str] = "evolution"

    def __init__(
        self,
        evaluator: Evaluator,
        objective: SearchObjective,
        seed: int,
        *,
        queries: int,
        warm_up: int = 0,
        population: int = 100,
        sample: int = 25,
    ) -> None:
        super().__init__(evaluator, objective, seed, queries=queries, warm_up=warm_up)
        if not 1 <= sample <= population:
            refuse("sample", expected=f"between 1 and the population of {population}", got=sample)
        self.population = max(1, min(population, queries // 2))
        self.sample = min(sample, self.population)
        self.queue: deque[Measured] = deque()
        self.filled = 0

    def name_next(self, generator: torch.Generator) -> Genotype:
        """Return a uniform sample while the queue fills, then a mutated tournament winner."""
        if self.filled < self.population:
            return unseen_sample(self.space, self.measured, generator)
        drawn = torch.randperm(len(self.queue), generator=generator)[: self.sample].tolist()
        parent = min((self.queue[i] for i in drawn), key=lambda item: item.value)
        return self.space.mutate(parent.genotype, generator)

    def observe(self, item: Measured) -> None:
        """Append it; beyond the population the oldest dies."""
        self.queue.append(item)
        self.filled += 1
        if len(self.queue) > self.population:
            self.queue.popleft()

    def state_dict(self) -> dict[str, Any]:
        """Return the queue too."""
        queue = [(item.genotype.to_json(), item.losses, item.value) for item in self.queue]
        return {**super().state_dict(), "queue": queue, "filled": self.filled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the queue too."""
        super().load_state_dict(state)
        items = (Measured(Genotype.from_json(text), losses, value) for text, losses, value in state["queue"])
        self.queue = deque(items)
        self.filled = state["filled"]

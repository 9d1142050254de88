"""Local search with restarts."""

from __future__ import annotations

from typing import Any, ClassVar, final

import torch

from wsrnas.search.base import Evaluator
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.queries import Measured, QueryStrategy
from wsrnas.search.wsr.known import unseen_sample
from wsrnas.spaces.genotype import Genotype


@final
class LocalSearch(QueryStrategy):
    """From a uniform sample, measure all neighbours in random order and move to the best of them while that improves;
    then start again elsewhere.

    Source: White et al., "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021.
    """

    name: ClassVar[str] = "local-search"

    def __init__(
        self, evaluator: Evaluator, objective: SearchObjective, seed: int, *, queries: int, warm_up: int = 0
    ) -> None:
        super().__init__(evaluator, objective, seed, queries=queries, warm_up=warm_up)
        self.centre: float | None = None
        self.untried: list[Genotype] = []
        self.best_neighbour: tuple[float, Genotype] | None = None

    def name_next(self, generator: torch.Generator) -> Genotype:
        """Return the next neighbour; with none left, move to the best of them or restart."""
        if not self.untried and self.centre is not None:
            better = self.best_neighbour is not None and self.best_neighbour[0] < self.centre
            if better and self.best_neighbour is not None:
                self.centre = self.best_neighbour[0]
                self._surround(self.best_neighbour[1], generator)
            else:
                self.centre = None
        if self.centre is None:
            self.untried = []
            return unseen_sample(self.space, self.measured, generator)
        return self.untried.pop()

    def observe(self, item: Measured) -> None:
        """Take a fresh start as the centre, a neighbour as a candidate to move to."""
        if self.centre is None:
            self.centre = item.value
            self._surround(item.genotype, self.stream("neighbours"))
        elif self.best_neighbour is None or item.value < self.best_neighbour[0]:
            self.best_neighbour = (item.value, item.genotype)

    def _surround(self, genotype: Genotype, generator: torch.Generator) -> None:
        neighbours = self.space.neighbours(genotype)
        order = torch.randperm(len(neighbours), generator=generator).tolist()
        self.untried = [neighbours[i] for i in order]
        self.best_neighbour = None

    def state_dict(self) -> dict[str, Any]:
        """Return the centre and what is left to try around it."""
        best = None if self.best_neighbour is None else [self.best_neighbour[0], self.best_neighbour[1].to_json()]
        untried = [genotype.to_json() for genotype in self.untried]
        return {**super().state_dict(), "centre": self.centre, "untried": untried, "best_neighbour": best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        super().load_state_dict(state)
        self.centre = state["centre"]
        self.untried = [Genotype.from_json(text) for text in state["untried"]]
        best = state["best_neighbour"]
        self.best_neighbour = None if best is None else (best[0], Genotype.from_json(best[1]))

"""What the strategies share that name one distinct architecture after another and remember what each measured."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.search.base import Calls, Evaluator, Strategy
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.known import canonical_key, unseen_sample
from wsrnas.spaces.genotype import Genotype

PATIENCE = 200
"""A strategy that names known architectures this often in a row gets a new one, drawn uniformly."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One architecture with its losses (S,), and Eq. 10 of them."""

    genotype: Genotype
    losses: Tensor
    value: float


class QueryStrategy(Strategy):
    """A search over genotypes in which every step measures one architecture that was not measured before.

    `warm_up` steps train the shared weights on uniform samples first (a table has nothing to train). An architecture
    named again answers from memory, at no cost, and does not end the step. `result` is the best one measured.
    """

    def __init__(
        self, evaluator: Evaluator, objective: SearchObjective, seed: int, *, queries: int, warm_up: int = 0
    ) -> None:
        if queries < 1:
            refuse("queries", expected="at least 1", got=queries)
        if warm_up < 0:
            refuse("warm_up", expected="at least 0", got=warm_up)
        self.evaluator, self.objective, self.seed = evaluator, objective, seed
        self.space = evaluator.space
        self.queries, self.warm_up = queries, warm_up
        self.iteration = 0
        self.record: dict[str, Any] = {}
        self.measured: dict[str, Measured] = {}

    @property
    def total_iterations(self) -> int:
        """Return the number of warm-up steps and queries."""
        return self.warm_up + self.queries

    @property
    def calls(self) -> Calls:
        """Return the warm-ups, and a measurement per query."""
        return Calls(warm_up=self.warm_up, measure=self.queries)

    @property
    def most_finalists(self) -> int:
        """Return the number of architectures measured."""
        return self.queries

    @abstractmethod
    def name_next(self, generator: torch.Generator) -> Genotype:
        """Return the architecture to measure next; a known one is answered from memory and asks again."""

    @abstractmethod
    def observe(self, item: Measured) -> None:
        """Learn the value of the architecture that was named last."""

    def step(self) -> None:
        """Warm up, or measure one new architecture."""
        if self.iteration < self.warm_up:
            genotype = self.space.sample(self.stream("warm up"))
            self.evaluator.warm_up(self.space.architecture(genotype))
            self.record = {"phase": "warm up", "iteration": self.iteration, "genotype_id": genotype.id}
        else:
            self.query()
        self.iteration += 1

    def query(self) -> None:
        """Ask for names until one is new; measure it."""
        generator = self.stream("query")
        genotype = self.name_next(generator)
        for _ in range(PATIENCE):
            known = self.measured.get(canonical_key(self.space, genotype))
            if known is None:
                break
            self.observe(Measured(genotype, known.losses, known.value))
            genotype = self.name_next(generator)
        else:
            genotype = unseen_sample(self.space, self.measured, generator)
        losses = self.evaluator.measure(self.space.architecture(genotype))
        item = Measured(genotype, losses, float(self.objective(losses)))
        self.measured[canonical_key(self.space, genotype)] = item
        self.observe(item)
        self.record = {
            "phase": "search",
            "iteration": self.iteration,
            "genotype_id": genotype.id,
            "losses": losses.tolist(),
            "objective": item.value,
            "best_objective": min(known.value for known in self.measured.values()),
        }

    def result(self) -> Genotype:
        """Return the best architecture measured."""
        return self.finalists(1)[0]

    def finalists(self, count: int) -> list[Genotype]:
        """Return the best `count` architectures measured; before any was, a uniform sample."""
        if not self.measured:
            return [self.space.sample(rng.stream(self.seed, self.name, "result"))]
        return [item.genotype for item in sorted(self.measured.values(), key=lambda item: item.value)[:count]]

    def stream(self, purpose: str) -> torch.Generator:
        """Return the randomness of one purpose in this iteration."""
        return rng.stream(self.seed, self.name, purpose, self.iteration)

    def state_dict(self) -> dict[str, Any]:
        """Return the position and what was measured, in order."""
        measured = [(key, item.genotype.to_json(), item.losses, item.value) for key, item in self.measured.items()]
        return {"iteration": self.iteration, "measured": measured}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.iteration = state["iteration"]
        self.measured = {
            key: Measured(Genotype.from_json(text), losses, value) for key, text, losses, value in state["measured"]
        }

"""Q-learning over the edges of the cell (MetaQNN)."""

from __future__ import annotations

from typing import Any, ClassVar, final

import torch
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.search.base import Evaluator
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.queries import Measured, QueryStrategy
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Choice

RANDOM_SHARE = 1500 / 2700
"""The share of its 2700 networks that MetaQNN samples with ε = 1; ε then falls 1.0 → 0.1 in equal steps."""


@final
class QLearning(QueryStrategy):
    """Choose operations edge by edge, ε-greedily in Q; after every measurement replay `replays` past architectures.

    A state is (edge, operation on the edge before). Q(s,u) ← (1−α)·Q(s,u) + α·(r + γ·max_u' Q(s',u')) with γ=1, r=0
    before the last edge and there 1 − Eq. 10, the weighted accuracy on a table.

    Source: Baker et al., "Designing Neural Network Architectures using Reinforcement Learning", ICLR 2017 (MetaQNN):
    Q starts at 0.5, α=0.01, 100 replays per network, ε schedule stretched over the budget.
    Differs from the paper: states are edges of a cell, not layers of a chain.
    """

    name: ClassVar[str] = "q-learning"

    def __init__(
        self,
        evaluator: Evaluator,
        objective: SearchObjective,
        seed: int,
        *,
        queries: int,
        warm_up: int = 0,
        learning_rate: float = 0.01,
        replays: int = 100,
    ) -> None:
        super().__init__(evaluator, objective, seed, queries=queries, warm_up=warm_up)
        rows = {decision.options for decision in self.space.decisions}
        self.operations = rows.pop()
        if rows:
            remedy = "take another strategy, such as evolution"
            refuse("space", expected="cells, whose edges it walks along", got=self.space.name, remedy=remedy)
        self.learning_rate, self.replays = learning_rate, replays
        edges, operations = self.space.num_edges, self.space.num_operations
        self.q = torch.full((edges, operations + 1, operations), 0.5)
        self.episodes: list[tuple[Choice, float]] = []
        self.named: Choice = ()

    @property
    def epsilon(self) -> float:
        """Return the share of random operations at this point of the budget."""
        done = (self.iteration - self.warm_up) / self.queries
        if done < RANDOM_SHARE:
            return 1.0
        level = int(9 * (done - RANDOM_SHARE) / (1 - RANDOM_SHARE))
        return 0.9 - 0.1 * min(level, 8)

    def name_next(self, generator: torch.Generator) -> Genotype:
        """Walk along the edges, ε-greedily; ties in Q are broken at random."""
        operations = self.space.num_operations
        explore = torch.rand(self.space.num_edges, generator=generator) < self.epsilon
        uniform = torch.randint(operations, (self.space.num_edges,), generator=generator).tolist()
        jitter = 1e-9 * torch.rand(self.space.num_edges, operations, generator=generator, dtype=torch.float64)
        choice: list[int] = []
        before = operations
        for edge, random_one in enumerate(explore.tolist()):
            greedy = int((self.q[edge, before].double() + jitter[edge]).argmax())
            before = uniform[edge] if random_one else greedy
            choice.append(before)
        self.named = tuple(choice)
        return self.space.decode(self.space.one_hot(self.named))

    def observe(self, item: Measured) -> None:
        """Remember the walk; replay it and a random sample of earlier ones."""
        self.episodes.append((self._walk(item.genotype), 1.0 - item.value))
        drawn = torch.randint(len(self.episodes), (self.replays,), generator=self.stream("replay")).tolist()
        self._learn([self.episodes[-1], *(self.episodes[i] for i in drawn)])

    def _walk(self, genotype: Genotype) -> Choice:
        if self.named and self.space.decode(self.space.one_hot(self.named)) == genotype:
            return self.named
        absent = self.operations.index("none")
        return tuple(absent if operation < 0 else operation for operation in self.space.choice(genotype))

    def _learn(self, episodes: list[tuple[Choice, float]]) -> None:
        walks = torch.tensor([walk for walk, _ in episodes])
        befores = torch.cat([torch.full((len(walks), 1), self.space.num_operations), walks[:, :-1]], dim=1)
        returns: Tensor = torch.tensor([reward for _, reward in episodes])
        for edge in reversed(range(self.space.num_edges)):
            row = self.q[edge].clone().flatten()
            index = befores[:, edge] * self.space.num_operations + walks[:, edge]
            target = returns if edge == self.space.num_edges - 1 else self.q[edge + 1].max(dim=1).values[walks[:, edge]]
            count = torch.zeros_like(row).index_add_(0, index, torch.ones(len(index)))
            total = torch.zeros_like(row).index_add_(0, index, target)
            share = 1 - (1 - self.learning_rate) ** count
            row += share * (total / count.clamp_min(1) - row)
            self.q[edge] = row.view_as(self.q[edge])

    def state_dict(self) -> dict[str, Any]:
        """Return Q and the episodes."""
        episodes = [[list(walk), reward] for walk, reward in self.episodes]
        return {**super().state_dict(), "q": self.q.clone(), "episodes": episodes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        super().load_state_dict(state)
        self.q = state["q"].clone()
        self.episodes = [(tuple(walk), reward) for walk, reward in state["episodes"]]

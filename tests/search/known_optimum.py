"""An evaluator whose best architecture is known: every edge adds its operation's cost to every loss."""

from typing import Any

import torch
from torch import Tensor

from wsrnas.search.base import Evaluator
from wsrnas.spaces import get_space
from wsrnas.spaces.base import Architecture
from wsrnas.spaces.genotype import Genotype

STRENGTHS = (0.03, 0.06, 0.09)


class AdditiveEvaluator(Evaluator):
    """loss_s(H) = base_s + scale_s · Σ_edges cost[edge, operation]; counts how often each verb was called."""

    def __init__(self, seed: int = 0) -> None:
        self.space = get_space("nb201")
        self.strengths = torch.tensor(STRENGTHS)
        self.cost = 0.0
        self.record: dict[str, Any] = {}
        self.costs = torch.rand(
            self.space.num_edges, self.space.num_operations, generator=torch.Generator().manual_seed(seed)
        )
        self.calls = {"warm_up": 0, "measure": 0, "measure_clean": 0, "remeasure": 0}

    def true_losses(self, architecture: Architecture) -> Tensor:
        total = sum(float(self.costs[row, op]) for row, op in enumerate(architecture.choice) if op >= 0)
        return torch.tensor([0.2, 0.5, 0.8, 1.1]) + total * torch.tensor([0.05, 0.1, 0.15, 0.2])

    def best_total(self) -> float:
        return float(self.costs.min(dim=1).values.sum())

    def total_of(self, genotype: Genotype) -> float:
        choice = self.space.choice(genotype)
        return sum(float(self.costs[row, op]) for row, op in enumerate(choice))

    def warm_up(self, architecture: Architecture) -> None:
        self.calls["warm_up"] += 1
        self.cost += 1

    def measure(self, architecture: Architecture) -> Tensor:
        self.calls["measure"] += 1
        self.cost += 2
        return self.true_losses(architecture)

    def measure_clean(self, architecture: Architecture) -> Tensor:
        self.calls["measure_clean"] += 1
        self.cost += 2
        return self.true_losses(architecture)[:1]

    def remeasure(self, architecture: Architecture) -> Tensor:
        self.calls["remeasure"] += 1
        return self.true_losses(architecture)

    def verify(self, architectures: list[Architecture]) -> list[Tensor]:
        return [self.true_losses(item) for item in architectures]

    def state_dict(self) -> dict[str, Any]:
        return {"cost": self.cost}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.cost = state["cost"]

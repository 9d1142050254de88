"""What a Wsr-NAS search holds between two iterations: M_v, ψ, A and the position; the loops are in `wsr_nas.py`."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.estimators.memory import LossMemory
from wsrnas.search.base import Budget, Calls, Evaluator, Strategy, Timer
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.choose import chooser
from wsrnas.search.wsr.estimator import loss_estimator
from wsrnas.search.wsr.settings import OURS, WsrSettings
from wsrnas.spaces.base import Architecture
from wsrnas.spaces.genotype import Genotype


class SearchState(Strategy):
    """The parts of a Wsr-NAS search, made from its settings; subclasses do the iterations."""

    def __init__(
        self,
        evaluator: Evaluator,
        objective: SearchObjective,
        seed: int,
        *,
        budget: Budget,
        settings: WsrSettings = OURS,
        timer: Timer = lambda phase: nullcontext(),
    ) -> None:
        self.evaluator, self.objective, self.seed = evaluator, objective, seed
        self.budget, self.settings, self.timer = budget, settings, timer
        self.estimator = loss_estimator(settings, evaluator, seed)
        self.chooser = chooser(settings, evaluator, objective, seed)
        self.memory = LossMemory(settings.memory or budget.queries)
        self.iteration = 0
        self.record: dict[str, Any] = {}
        self.population = self.chooser.population(budget.population, seed)

    @property
    def total_iterations(self) -> int:
        """N to warm up, N to build M_v, T to search."""
        return 2 * self.budget.population + self.budget.iterations

    @property
    def calls(self) -> Calls:
        """Return N warm-ups, N+T labels, and the refreshed ones."""
        refreshed = sum(
            min(self.settings.refresh, min(done, self.memory.capacity))
            for done in range(self.budget.population + 1, self.budget.queries + 1)
        )
        return Calls(warm_up=self.budget.population, measure=self.budget.queries, remeasure=refreshed)

    def result(self) -> Genotype:
        """Return the architecture the search would name now."""
        return self.finalists(1)[0]

    @property
    def most_finalists(self) -> int:
        """Return one where A names it, else what M_v holds."""
        return 1 if self.settings.method == "gradient" else min(self.budget.queries, self.memory.capacity)

    def finalists(self, count: int) -> list[Genotype]:
        """Return up to `count` distinct architectures, best first: the ones worth measuring again."""
        trained = self.iteration >= 2 * self.budget.population
        return self.chooser.finalists(self.memory, self.estimator if trained else None, count)

    def state_dict(self) -> dict[str, Any]:
        """Return M_v, ψ, A and the position; everything random is derived from the position."""
        return {
            "iteration": self.iteration,
            "memory": self.memory.state_dict(),
            "estimator": self.estimator.state_dict(),
            "chooser": self.chooser.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.iteration = state["iteration"]
        self.memory.load_state_dict(state["memory"])
        self.estimator.load_state_dict(state["estimator"])
        self.chooser.load_state_dict(state["chooser"])

    def discounts(self) -> Float[Tensor, "N"] | None:
        """Return what each label of M_v weighs in training ψ, 1 on average; None where none is discounted."""
        if self.settings.half_life is None:
            return None
        ages = torch.tensor([self.iteration - label.measured_at for label in self.memory.labels], dtype=torch.float32)
        weights = torch.exp(-math.log(2) * ages / self.settings.half_life)
        return weights / weights.mean()

    def describe(
        self, phase: str, architecture: Architecture, *, chosen: str, labelled: bool = False
    ) -> dict[str, Any]:
        """Return what the log says of an iteration; `labelled`: its losses are the latest of M_v."""
        losses = self.memory.labels[-1].losses if labelled else None
        return {
            "phase": phase,
            "iteration": self.iteration,
            "architecture": list(architecture.choice),
            "genotype_id": self.chooser.genotype_id(architecture),
            "chosen": chosen,
            "losses": None if losses is None else losses.tolist(),
        }

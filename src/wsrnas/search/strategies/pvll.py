"""PVLL-NAS: ψ predicts the clean loss only."""

from __future__ import annotations

from typing import Any, ClassVar, final

import torch
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.estimators.loss.lstm import LSTMLossEstimator
from wsrnas.estimators.memory import LossMemory
from wsrnas.search.base import Calls, Evaluator, Strategy
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.gradient_update import PAPER_LEARNING_RATE, alpha_optimizer, update_alpha
from wsrnas.spaces.base import Architecture, gumbel_softmax, sample_gumbel
from wsrnas.spaces.genotype import Genotype


def clean_loss(losses: Tensor) -> Tensor:
    """Return the clean loss, the only one PVLL knows."""
    return losses[..., 0]


@final
class Pvll(Strategy):
    """Sample from GumbelSoftmax(A), label the clean loss, train ψ on it, move A against ∇_A ψ(H).

    Half of `queries` is the population that fills the memory from the initial A, the other half moves A. The objective
    given is not looked at: that is the point of this peer. Warm-up as in Algorithm 1, `warm_up` architectures.

    Source: Li et al., "Neural Architecture Search in A Proxy Validation Loss Landscape", ICML 2020.
    Differs from the paper: step sizes, temperature and memory are those of Wsr-NAS, which builds on it.
    """

    name: ClassVar[str] = "pvll"

    def __init__(
        self,
        evaluator: Evaluator,
        objective: SearchObjective,
        seed: int,
        *,
        queries: int,
        warm_up: int = 0,
        temperature: float = 0.1,
        step_size: float = PAPER_LEARNING_RATE,
        passes: int = 500,
        refit_passes: int | None = None,
        memory: int = 100,
    ) -> None:
        if queries < 1:
            refuse("queries", expected="at least 1", got=queries)
        self.evaluator, self.space, self.seed = evaluator, evaluator.space, seed
        self.queries, self.warm_up, self.population = queries, warm_up, max(1, queries // 2)
        self.temperature = temperature
        self.shape = (self.space.num_edges, self.space.num_operations)
        self.alpha = 1e-3 * torch.randn(self.shape, generator=rng.stream(seed, self.name, "alpha"))
        self.optimizer = alpha_optimizer(self.alpha, learning_rate=step_size)
        self.estimator = LSTMLossEstimator(
            num_edges=self.shape[0],
            num_operations=self.shape[1],
            num_losses=1,
            seed=seed,
            form="printed",
            passes=passes,
            refit_passes=refit_passes,
        )
        self.memory = LossMemory(memory)
        self.iteration = 0
        self.record: dict[str, Any] = {}

    @property
    def total_iterations(self) -> int:
        """Return the number of warm-up steps and queries."""
        return self.warm_up + self.queries

    @property
    def calls(self) -> Calls:
        """Return the warm-ups, and a clean loss per query."""
        return Calls(warm_up=self.warm_up, measure_clean=self.queries)

    def step(self) -> None:
        """Warm up, or label one architecture and, once the memory holds the population, train ψ and move A."""
        gumbel = sample_gumbel(self.shape, rng.stream(self.seed, self.name, "gumbel", self.iteration))
        architecture = self.space.all_edges(gumbel_softmax(self.alpha, gumbel, self.temperature))
        if self.iteration < self.warm_up:
            self.evaluator.warm_up(architecture)
            self.record = {"phase": "warm up", "iteration": self.iteration}
        else:
            self._search(architecture, gumbel)
        self.iteration += 1

    def _search(self, architecture: Architecture, gumbel: Tensor) -> None:
        loss = self.evaluator.measure_clean(architecture)
        self.memory.push(architecture.encoding, loss, architecture.choice, self.iteration)
        self.record = {"phase": "search", "iteration": self.iteration, "clean_loss": float(loss)}
        if self.iteration - self.warm_up + 1 < self.population:
            return
        generator = rng.stream(self.seed, self.name, "fit", self.iteration)
        self.estimator.fit(*self.memory.tensors(), generator=generator)
        value = update_alpha(self.alpha, self.estimator, clean_loss, gumbel, self.temperature, self.optimizer)
        self.record["predicted"] = value

    def result(self) -> Genotype:
        """Derive the genotype of A's largest weights."""
        return self.space.decode(self.alpha)

    def state_dict(self) -> dict[str, Any]:
        """Return A, its optimiser, ψ, the memory and the position."""
        return {
            "iteration": self.iteration,
            "alpha": self.alpha.clone(),
            "optimizer": self.optimizer.state_dict(),
            "estimator": self.estimator.state_dict(),
            "memory": self.memory.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.iteration = state["iteration"]
        self.alpha.copy_(state["alpha"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.estimator.load_state_dict(state["estimator"])
        self.memory.load_state_dict(state["memory"])

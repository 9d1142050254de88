"""What the strategies share that move A by back-propagation through the super-network; no table can serve them."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import nullcontext
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.search.base import Calls, Evaluator, Strategy, Timer
from wsrnas.search.objective import SearchObjective
from wsrnas.spaces.base import gumbel_softmax, sample_gumbel
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Encoding, Losses

GRADIENT_SEARCH = "gradient search"


@runtime_checkable
class MixtureEvaluator(Protocol):
    """An evaluator with a super-network that can run all operations at once."""

    def mixture_losses(self, arch_weights: Encoding, batch: int, *, robust: bool) -> Losses:
        """Return the losses of the mixture (Eq. 2) on one batch of D_v, differentiable in `arch_weights`.

        (1+S,) where `robust`, attacked at every strength; else the clean loss alone, (1,).
        """


class MixtureStrategy(Strategy):
    """Alternate: train the shared weights on a sample of the current A (line 3), then one step of Adam on A.

    The step follows the gradient of `target`(losses of the mixture softmax(A) on a batch of D_v). `result` derives
    the genotype of A's largest weights. `robust` says whether the target looks at anything but the clean loss.
    """

    robust: ClassVar[bool]

    def __init__(
        self,
        evaluator: Evaluator,
        objective: SearchObjective,
        seed: int,
        *,
        queries: int,
        warm_up: int = 0,
        timer: Timer = lambda phase: nullcontext(),
        step_size: float = 3e-2,
        steps_per_query: int = 10,
    ) -> None:
        if not isinstance(evaluator, MixtureEvaluator):
            remedy = f"'{self.name}' back-propagates through a super-network; a table has none"
            refuse("evaluator", expected="a super-network", got=type(evaluator).__name__, remedy=remedy)
        if queries < 1:
            refuse("queries", expected="at least 1", got=queries)
        self.evaluator, self.mixture, self.space = evaluator, evaluator, evaluator.space
        self.objective, self.seed, self.timer = objective, seed, timer
        self.queries, self.warm_up, self.steps_per_query = queries, warm_up, steps_per_query
        self.shape = (self.space.num_edges, self.space.num_operations)
        self.alpha = 1e-3 * torch.randn(self.shape, generator=rng.stream(seed, self.name, "alpha"))
        self.optimizer = torch.optim.Adam([self.alpha], lr=step_size, betas=(0.5, 0.999), weight_decay=1e-3)
        self.iteration = 0
        self.record: dict[str, Any] = {}

    @abstractmethod
    def target(self, losses: Tensor) -> Tensor:
        """Return the scalar that A descends."""

    @property
    def total_iterations(self) -> int:
        """Return the number of warm-up steps and of trainings that move A."""
        return self.warm_up + self.queries

    @property
    def calls(self) -> Calls:
        """Return a training per iteration, and the batches of D_v that A moves on."""
        return Calls(warm_up=self.total_iterations, mixture=self.queries * self.steps_per_query)

    def step(self) -> None:
        """Train the shared weights on one sampled architecture; after the warm-up, move A."""
        gumbel = sample_gumbel(self.shape, rng.stream(self.seed, self.name, "gumbel", self.iteration))
        self.evaluator.warm_up(self.space.all_edges(gumbel_softmax(self.alpha, gumbel, 1.0)))
        self.record = {"phase": "warm up", "iteration": self.iteration}
        if self.iteration >= self.warm_up:
            with self.timer(GRADIENT_SEARCH):
                for batch in range(self.steps_per_query):
                    losses = self.move(self.iteration * self.steps_per_query + batch)
            self.record = {"phase": "search", "iteration": self.iteration, "target": float(self.target(losses))}
        self.iteration += 1

    def move(self, batch: int) -> Losses:
        """Take one step of A; return the losses it was taken on."""
        leaf = self.alpha.clone().requires_grad_(True)
        losses = self.mixture.mixture_losses(torch.softmax(leaf, dim=1), batch, robust=self.robust)
        (self.alpha.grad,) = torch.autograd.grad(self.target(losses), [leaf])
        self.optimizer.step()
        self.alpha.grad = None
        return losses.detach()

    def result(self) -> Genotype:
        """Derive the genotype of A's largest weights."""
        return self.space.decode(self.alpha)

    def state_dict(self) -> dict[str, Any]:
        """Return A, its optimiser and the position."""
        return {
            "iteration": self.iteration,
            "alpha": self.alpha.clone(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.iteration = state["iteration"]
        self.alpha.copy_(state["alpha"])
        self.optimizer.load_state_dict(state["optimizer"])

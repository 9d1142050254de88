"""How Wsr-NAS samples, chooses and derives: the paper's way (A moves) and ours (ψ proposes)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from wsrnas import rng
from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.estimators.memory import LossLabel, LossMemory
from wsrnas.search.base import Evaluator
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.design import representative
from wsrnas.search.wsr.gradient_update import alpha_optimizer, update_alpha
from wsrnas.search.wsr.known import distinct_samples
from wsrnas.search.wsr.propose import ProposeSettings, propose, tempered
from wsrnas.search.wsr.settings import WsrSettings
from wsrnas.spaces.base import Architecture, SearchSpace, gumbel_softmax, sample_gumbel
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Choice


class Chooser(ABC):
    """What differs between the presets of Algorithm 1."""

    def __init__(self, space: SearchSpace, objective: SearchObjective, seed: int) -> None:
        self.space, self.objective, self.seed = space, objective, seed

    @abstractmethod
    def population(self, size: int, seed: int) -> list[Architecture]:
        """Sample the N architectures of the first two loops."""

    @abstractmethod
    def choose(self, memory: LossMemory, estimator: LossEstimator, iteration: int) -> tuple[Architecture, str]:
        """Return the next architecture and how it was found."""

    @abstractmethod
    def update(self, estimator: LossEstimator) -> None:
        """Line 25, after ψ was trained."""

    @abstractmethod
    def finalists(self, memory: LossMemory, estimator: LossEstimator | None, count: int) -> list[Genotype]:
        """Return up to `count` distinct genotypes, best first; `estimator` is None until ψ has been trained."""

    def stale(self, memory: LossMemory, count: int) -> list[LossLabel]:
        """Return the `count` oldest labels among the best quarter of M_v."""
        if count == 0:
            return []
        best = sorted(memory.labels, key=lambda label: float(self.objective(label.losses)))
        return sorted(best[: max(count, len(best) // 4)], key=lambda label: label.measured_at)[:count]

    def genotype_id(self, architecture: Architecture) -> str | None:
        """Return the id of a genotype-shaped architecture, None for one that uses every edge."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return what `update` moves."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        if state:
            raise ValueError(f"{type(self).__name__} keeps no state, but was given {sorted(state)}")


class GradientChooser(Chooser):
    """The paper: H = GumbelSoftmax(A, ξ, τ) picks the architecture, Eq. 10's gradient through ψ moves A.

    The same ξ picks the architecture and serves in the gradient of the same iteration.
    """

    def __init__(
        self, space: SearchSpace, objective: SearchObjective, seed: int, *, temperature: float, step_size: float
    ) -> None:
        super().__init__(space, objective, seed)
        self.temperature = temperature
        shape = (space.num_edges, space.num_operations)
        self.alpha = 1e-3 * torch.randn(shape, generator=rng.stream(seed, "alpha"))
        self.optimizer = alpha_optimizer(self.alpha, learning_rate=step_size)
        self.gumbel = torch.zeros(shape)

    def population(self, size: int, seed: int) -> list[Architecture]:
        """Sample from the initial A."""
        return [self._sample(self._draw("population", index)) for index in range(size)]

    def choose(self, memory: LossMemory, estimator: LossEstimator, iteration: int) -> tuple[Architecture, str]:
        """Sample from the current A."""
        self.gumbel = self._draw("choose", iteration)
        return self._sample(self.gumbel), "gumbel"

    def update(self, estimator: LossEstimator) -> None:
        """Take one step of A against the gradient of Eq. 10."""
        update_alpha(self.alpha, estimator, self.objective, self.gumbel, self.temperature, self.optimizer)

    def finalists(self, memory: LossMemory, estimator: LossEstimator | None, count: int) -> list[Genotype]:
        """Derive the one genotype of A's largest weights; there is nothing else to measure again."""
        return [self.space.decode(self.alpha)]

    def state_dict(self) -> dict[str, Any]:
        """Return A, its optimiser and ξ."""
        return {"alpha": self.alpha.clone(), "optimizer": self.optimizer.state_dict(), "gumbel": self.gumbel.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore A, its optimiser and ξ."""
        self.alpha.copy_(state["alpha"])
        self.gumbel.copy_(state["gumbel"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _draw(self, purpose: str, index: int) -> Tensor:
        return sample_gumbel((self.space.num_edges, self.space.num_operations), rng.stream(self.seed, purpose, index))

    def _sample(self, gumbel: Tensor) -> Architecture:
        return self.space.all_edges(gumbel_softmax(self.alpha, gumbel, self.temperature))


class ProposingChooser(Chooser):
    """Ours: samples by the `design` (see `WsrSettings`), then the unseen architecture that ψ likes best."""

    def __init__(
        self,
        space: SearchSpace,
        objective: SearchObjective,
        seed: int,
        *,
        settings: ProposeSettings,
        design: str = "representative",
    ) -> None:
        super().__init__(space, objective, seed)
        self.settings, self.design = settings, design
        self._genotypes: dict[Choice, Genotype] = {}

    def population(self, size: int, seed: int) -> list[Architecture]:
        """Pick distinct genotypes by the design."""

        def generator_for(index: int) -> torch.Generator:
            return rng.stream(seed, "population", index)

        if self.design == "random":
            genotypes = distinct_samples(self.space, size, generator_for)
        else:
            first = self.design == "largest-first"
            genotypes = representative(self.space, size, generator_for, largest_first=first)
        return [self.space.architecture(genotype) for genotype in genotypes]

    def choose(self, memory: LossMemory, estimator: LossEstimator, iteration: int) -> tuple[Architecture, str]:
        """Let ψ propose; a set share of the iterations explores uniformly."""
        generator = rng.stream(self.seed, "propose", iteration)
        ranked = self._by(self._tempered(memory, estimator), memory)
        seen = {self.space.canonical(genotype) for genotype in ranked}
        genotype = propose(self.space, estimator, self.objective, seen, generator, self.settings, best=ranked)
        return self.space.architecture(genotype), "proposed"

    def update(self, estimator: LossEstimator) -> None:
        """Nothing moves but ψ itself."""

    def finalists(self, memory: LossMemory, estimator: LossEstimator | None, count: int) -> list[Genotype]:
        """Return the best measured architectures; labels that err are tempered by what ψ makes of their neighbours."""
        values = self.objective(memory.tensors()[1]) if estimator is None else self._tempered(memory, estimator)
        return self._by(values, memory)[:count]

    def genotype_id(self, architecture: Architecture) -> str | None:
        """Return the id of the genotype."""
        return self._genotype(architecture.choice).id

    def _tempered(self, memory: LossMemory, estimator: LossEstimator) -> Tensor:
        return tempered(estimator, self.objective, *memory.tensors(), self.settings.trust)

    def _by(self, values: Tensor, memory: LossMemory) -> list[Genotype]:
        """Return the distinct genotypes of M_v, lowest value first."""
        labels = list(memory.labels)
        return list(dict.fromkeys(self._genotype(labels[place].choice) for place in values.argsort(stable=True)))

    def _genotype(self, choice: Choice) -> Genotype:
        if choice not in self._genotypes:
            self._genotypes[choice] = self.space.decode(self.space.one_hot(choice))
        return self._genotypes[choice]


def chooser(settings: WsrSettings, evaluator: Evaluator, objective: SearchObjective, seed: int) -> Chooser:
    """Return the way of choosing that the settings name.

    Exact labels are believed. Of labels that err a Gaussian process makes what it thinks right; any other ψ has half of
    the say.
    """
    if settings.method == "gradient":
        step, temperature = settings.step_size, settings.temperature
        return GradientChooser(evaluator.space, objective, seed, temperature=temperature, step_size=step)
    inexact = 0.0 if settings.loss_estimator == "gaussian-process" else 0.5
    proposing = ProposeSettings(
        exploration=settings.exploration,
        restarts=settings.restarts,
        climbs=settings.climbs,
        trust=1.0 if evaluator.exact else inexact,
    )
    usual = "largest-first" if evaluator.trains_alone else "representative"
    return ProposingChooser(evaluator.space, objective, seed, settings=proposing, design=settings.design or usual)

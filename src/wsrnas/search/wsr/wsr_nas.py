"""Algorithm 1 of the paper: Wsr-NAS, in both presets.

warm up     for each of N sampled architectures: train it on D_t for 1 epoch                      (lines 2-5)
build       for each of the N: the four steps of `Evaluator.measure`                              (lines 7-17)
              adversarially train it on D_t for 1 epoch
              push (x, {δ_ε1..δ_εN1}, ε̂, δ_ε̂) into M_a; train φ on M_a for K_a passes             (Eq. 4, 5)
              on D_v: attack at the N1 strengths, estimate the other N2 with φ, measure N1+N2+1 losses
            push (H, losses) into M_v
            train ψ on M_v for K_v passes                                                         (line 18, Eq. 9)
search      T times: choose an architecture; the same four steps; push; train ψ; update A         (lines 19-25)
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any, ClassVar

import torch

from wsrnas import rng
from wsrnas.estimators.memory import LossMemory
from wsrnas.search.base import Budget, Calls, Evaluator, Strategy, Timer
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.choose import chooser
from wsrnas.search.wsr.estimator import loss_estimator
from wsrnas.search.wsr.settings import OURS, WsrSettings
from wsrnas.spaces.base import Architecture
from wsrnas.spaces.genotype import Genotype


class WsrNas(Strategy):
    """Algorithm 1 with a `Chooser` that samples, chooses and derives the paper's way or ours.

    Source: Cheng et al., AAAI 2023, Algorithm 1.
    Differs from the paper, in preset `ours` only: candidates are genotype-shaped; ψ proposes the next one instead of A
    being nudged; labels may be refreshed or discounted as the shared weights move; the best few are measured again.
    """

    name: ClassVar[str] = "wsr-nas"

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
        self.estimator = loss_estimator(settings, evaluator, seed, budget)
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

    def step(self) -> None:
        """Do one iteration of one of the three loops."""
        size = self.budget.population
        if self.iteration < size:
            self.warm_up(self.population[self.iteration])
        elif self.iteration < 2 * size:
            self.build(self.population[self.iteration - size])
        else:
            self.search()
        self.iteration += 1

    def warm_up(self, architecture: Architecture) -> None:
        """Lines 2-5: train the shared weights on one architecture of the population."""
        self.evaluator.warm_up(architecture)
        self.record = self._describe("warm up", architecture, chosen="population")

    def build(self, architecture: Architecture) -> None:
        """Lines 7-18: label one architecture of the population; after the last one, train ψ."""
        self.label(architecture)
        self.record = self._describe("build", architecture, chosen="population", labelled=True)
        if self.iteration == 2 * self.budget.population - 1:
            self.fit()

    def search(self) -> None:
        """Lines 19-25: choose, label, train ψ, update A."""
        with self.timer("choosing"):
            architecture, chosen = self.chooser.choose(self.memory, self.estimator, self.iteration)
        predicted = self.estimator.predict(architecture.encoding[None]).mean[0].detach()
        self.label(architecture)
        self.refresh()
        self.record = self._describe("search", architecture, chosen=chosen, labelled=True)
        self.record["predicted"] = predicted.tolist()
        self.fit()
        with self.timer("update of A"):
            self.chooser.update(self.estimator)

    def label(self, architecture: Architecture) -> None:
        """The four steps, and (H, losses) into M_v."""
        losses = self.evaluator.measure(architecture)
        self.memory.push(architecture.encoding, losses, architecture.choice, self.iteration)

    def refresh(self) -> None:
        """Measure the oldest labels of the best architectures again: the shared weights have moved since."""
        for label in self.chooser.stale(self.memory, self.settings.refresh):
            losses = self.evaluator.remeasure(Architecture(label.choice, label.encoding))
            self.memory.replace(label, losses, self.iteration)

    def fit(self) -> None:
        """Line 18 and Eq. 9: train ψ on M_v, old labels discounted where a half-life is set."""
        encodings, losses = self.memory.tensors()
        generator = rng.stream(self.seed, self.name, "fit", self.iteration)
        with self.timer("loss estimator"):
            self.estimator.fit(encodings, losses, generator=generator, weights=self._discounts())
            residual = (self.estimator.predict(encodings).mean.detach() - losses).square().mean()
        self.record["loss_estimator_loss"] = float(residual)

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

    def _discounts(self) -> torch.Tensor | None:
        if self.settings.half_life is None:
            return None
        ages = torch.tensor([self.iteration - label.measured_at for label in self.memory.labels], dtype=torch.float32)
        weights = torch.exp(-math.log(2) * ages / self.settings.half_life)
        return weights / weights.mean()

    def _describe(
        self, phase: str, architecture: Architecture, *, chosen: str, labelled: bool = False
    ) -> dict[str, Any]:
        losses = self.memory.labels[-1].losses if labelled else None
        return {
            "phase": phase,
            "iteration": self.iteration,
            "architecture": list(architecture.choice),
            "genotype_id": self.chooser.genotype_id(architecture),
            "chosen": chosen,
            "losses": None if losses is None else losses.tolist(),
        }

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

from typing import ClassVar, final

from wsrnas import rng
from wsrnas.search.wsr.search_state import SearchState
from wsrnas.spaces.base import Architecture


@final
class WsrNas(SearchState):
    """Algorithm 1 with a `Chooser` that samples, chooses and derives the paper's way or ours.

    Source: Cheng et al., AAAI 2023, Algorithm 1.
    Differs from the paper, in preset `ours` only: candidates are genotype-shaped; ψ proposes the next one instead of A
    being nudged; labels may be refreshed or discounted as the shared weights move; the best few are measured again.
    """

    name: ClassVar[str] = "wsr-nas"

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
        self.record = self.describe("warm up", architecture, chosen="population")

    def build(self, architecture: Architecture) -> None:
        """Lines 7-18: label one architecture of the population; after the last one, train ψ."""
        self.label(architecture)
        self.record = self.describe("build", architecture, chosen="population", labelled=True)
        if self.iteration == 2 * self.budget.population - 1:
            self.fit()

    def search(self) -> None:
        """Lines 19-25: choose, label, train ψ, update A."""
        with self.timer("choosing"):
            architecture, chosen = self.chooser.choose(self.memory, self.estimator, self.iteration)
        predicted = self.estimator.predict(architecture.encoding[None]).mean[0].detach()
        self.label(architecture)
        self.refresh()
        self.record = self.describe("search", architecture, chosen=chosen, labelled=True)
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
            self.estimator.fit(encodings, losses, generator=generator, weights=self.discounts())
            residual = (self.estimator.predict(encodings).mean.detach() - losses).square().mean()
        self.record["loss_estimator_loss"] = float(residual)

"""What the evaluators of a user's search have in common: networks to look at, and passes that are charged by phase."""

from __future__ import annotations

from abc import abstractmethod

from torch import nn

from wsrnas.search.base import Evaluator
from wsrnas.search.evaluators.measure import Spectrum
from wsrnas.spaces.genotype import Genotype


class ChargedEvaluator(Evaluator):
    """Measures real networks on D_v at the strengths of `spectrum`; `spent` holds image passes by phase."""

    spectrum: Spectrum
    spent: dict[str, int]

    @property
    def cost(self) -> float:  # type: ignore[override]
        """Return the images passed through networks so far, over all phases."""
        return float(sum(self.spent.values()))

    def charge(self, phase: str, passes: int) -> None:
        """Count what a phase has cost."""
        self.spent[phase] = self.spent.get(phase, 0) + passes
        self.record["cost"] = self.cost

    @abstractmethod
    def network(self, genotype: Genotype) -> nn.Module:
        """Return a genotype with the weights that its label is measured with, (B,C,H,W) → logits; not charged."""

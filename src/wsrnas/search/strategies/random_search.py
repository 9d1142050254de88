"""Random search, as RobNet uses it."""

from __future__ import annotations

from typing import ClassVar, final

import torch

from wsrnas.search.strategies.queries import Measured, QueryStrategy
from wsrnas.search.wsr.known import unseen_sample
from wsrnas.spaces.genotype import Genotype


@final
class RandomSearch(QueryStrategy):
    """Sample architectures uniformly without repetition, measure each under the shared weights, keep the best.

    Source: Guo et al., "When NAS Meets Robustness", CVPR 2020 (RobNet).
    Differs from the paper: no further training of each sample beyond what the evaluator's `measure` does.
    """

    name: ClassVar[str] = "random"

    def name_next(self, generator: torch.Generator) -> Genotype:
        """Return a uniform sample that was not measured before."""
        return unseen_sample(self.space, self.measured, generator)

    def observe(self, item: Measured) -> None:
        """Nothing is learned."""

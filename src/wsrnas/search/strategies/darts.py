"""DARTS, first order."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor

from wsrnas.search.strategies.mixture import MixtureStrategy


@final
class Darts(MixtureStrategy):
    """A ← A − c·∇_A L₀(softmax(A)) on clean validation images, between trainings of the shared weights.

    Source: Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, first-order form (ξ=0).
    Differs from the paper: the weights are trained on one sampled architecture at a time, as all strategies here do,
    not on the mixture; A alone sees the mixture.
    """

    name: ClassVar[str] = "darts"
    robust: ClassVar[bool] = False

    def target(self, losses: Tensor) -> Tensor:
        """Return the clean loss."""
        return losses[0]

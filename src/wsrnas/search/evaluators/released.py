"""The slips of the released code that decide its searches, so that their effect can be measured."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from wsrnas.search.base import Evaluator
from wsrnas.search.objective import SearchObjective
from wsrnas.spaces.base import Architecture
from wsrnas.types import Losses

BATCH_SIZE = 64


class ReleasedLabels(Evaluator):
    """The same measurements, robust losses divided by 64.

    The released code adds up batch means and divides by the number of images, for the robust losses only.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.space, self.strengths = evaluator.space, evaluator.strengths
        self.exact, self.warms_up = evaluator.exact, evaluator.warms_up

    @property
    def cost(self) -> float:  # type: ignore[override]
        """Return the cost of the evaluator behind."""
        return self.evaluator.cost

    @property
    def record(self) -> dict[str, Any]:  # type: ignore[override]
        """Return the record of the evaluator behind."""
        return self.evaluator.record

    def warm_up(self, architecture: Architecture) -> None:
        """Train as the evaluator behind does."""
        self.evaluator.warm_up(architecture)

    def measure(self, architecture: Architecture) -> Losses:
        """Return the losses with the slip."""
        return _too_small(self.evaluator.measure(architecture))

    def measure_clean(self, architecture: Architecture) -> Losses:
        """Return the clean loss, which the slip leaves alone."""
        return self.evaluator.measure_clean(architecture)

    def remeasure(self, architecture: Architecture) -> Losses:
        """Return the losses with the slip."""
        return _too_small(self.evaluator.remeasure(architecture))

    def verify(self, architectures: list[Architecture]) -> list[Losses]:
        """Return what the evaluator behind says, unchanged."""
        return self.evaluator.verify(architectures)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the evaluator behind."""
        return self.evaluator.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""
        self.evaluator.load_state_dict(state)


def _too_small(losses: Losses) -> Losses:
    scaled = losses / BATCH_SIZE
    scaled[0] = losses[0]
    return scaled


class SquaredObjective(SearchObjective):
    """Σ wᵢ·Lᵢ² in place of Eq. 10, as the released code has it."""

    def __call__(self, losses: Float[Tensor, "*batch S"]) -> Float[Tensor, "*batch"]:
        """Return it for one loss vector or a batch of them."""
        return super().__call__(losses.square())

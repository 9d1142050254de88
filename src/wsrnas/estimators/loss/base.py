"""What every loss estimator (VLE, ψ) takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Prediction(NamedTuple):
    """Predicted losses L̂ and how unsure the estimator is of each: both (M, S), index 0 of S is the clean loss.

    `std` is in the units of the losses; an estimator without a notion of uncertainty returns zeros.
    """

    mean: Float[Tensor, "M S"]
    std: Float[Tensor, "M S"]


class LossEstimator(ABC):
    """ψ of Eq. 8: L̂ = ψ(H), one loss per strength.

    `predict` is differentiable in the encodings. Implementations standardise their targets head by head unless they
    reproduce the paper; unscaled squared errors starve the heads of the large strengths.
    """

    @abstractmethod
    def fit(
        self,
        encodings: Float[Tensor, "N E K"],
        losses: Float[Tensor, "N S"],
        *,
        generator: torch.Generator,
        weights: Float[Tensor, "N"] | None = None,
    ) -> None:
        """Train ψ on the loss memory M_v (Eq. 9); `weights` discount old labels, mean 1."""

    @abstractmethod
    def predict(self, encodings: Float[Tensor, "M E K"]) -> Prediction:
        """Return the predicted losses of M architectures."""

    def optimistic(self, encodings: Float[Tensor, "M E K"], caution: float) -> Float[Tensor, "M S"]:
        """Return the losses that are as low as they may well be: mean − `caution`·std of each."""
        mean, std = self.predict(encodings)
        return mean - caution * std

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return tensors, numbers, strings and containers of them only: loadable with `weights_only=True`."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned, bit for bit."""

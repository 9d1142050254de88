"""ψ as a Gaussian process: exact, milliseconds a fit, and unsure where it has seen nothing like it."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.estimators.loss.base import LossEstimator, Prediction
from wsrnas.estimators.loss.quantiles import NormalScores
from wsrnas.estimators.loss.standardise import check_labels

LENGTHS = (1.0, 2.0, 4.0, 8.0)
NOISES = (1e-3, 3e-2, 0.2)
"""Length scales (in units of H, where one changed operation is √2 away) and noise variances tried by every fit."""


class GaussianProcessLossEstimator(LossEstimator):
    """L̂ = q(posterior mean): one Gaussian process per head on normal scores of the losses, q maps scores to losses.

    k(H,H') = (1 + r + r²/3)·exp(−r) with r = √5·‖H−H'‖/ℓ, plus noise of variance ν on the labels. All heads share ℓ
    and ν, picked off a grid by their joint marginal likelihood, each head's signal variance profiled out. `weights`
    divide the noise: an old label is a noisier one. `optimistic` is q(mean − caution·deviation); `std` is half of
    q(mean + deviation) − q(mean − deviation). Nothing is drawn at random.

    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, Algorithm 2.1 and Section 5.4.
    Differs from the paper: the LSTM of Eq. 8 is replaced.
    """

    def __init__(self, *, num_edges: int, num_operations: int, num_losses: int, seed: int = 0) -> None:
        self.shape = (num_edges, num_operations, num_losses)
        self.seed = seed
        self.map = NormalScores(torch.zeros(1, num_losses))
        self.inputs = torch.zeros(0, num_edges * num_operations, dtype=torch.float64)
        self.factor = torch.zeros(0, 0, dtype=torch.float64)
        self.solved = torch.zeros(0, num_losses, dtype=torch.float64)
        self.signal = torch.ones(num_losses, dtype=torch.float64)
        self.length, self.noise = LENGTHS[0], NOISES[0]

    def fit(
        self,
        encodings: Float[Tensor, "N E K"],
        losses: Float[Tensor, "N S"],
        *,
        generator: torch.Generator,
        weights: Float[Tensor, "N"] | None = None,
    ) -> None:
        """Condition on the labels; choose ℓ and ν by marginal likelihood."""
        weights = check_labels(encodings, losses, weights, self.shape)
        self.map = NormalScores(losses.detach())
        targets = self.map.scores
        self.inputs = encodings.detach().flatten(1).double()
        lengths, noises = torch.tensor(LENGTHS).double(), torch.tensor(NOISES).double()
        kernels = matern(squared_distances(self.inputs, self.inputs), lengths[:, None, None])
        noise = torch.diag(1 / weights.double().clamp_min(1e-3))
        factors = torch.linalg.cholesky(kernels[:, None] + noises[:, None, None] * noise)
        solved = torch.cholesky_solve(targets.expand(*factors.shape[:2], -1, -1), factors)
        signal = (targets * solved).mean(dim=2).clamp_min(1e-9)
        determinant = 2 * factors.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        evidence = -0.5 * (len(targets) * signal.log() + determinant[..., None]).sum(dim=-1)
        row, column = divmod(int(evidence.argmax()), len(NOISES))
        self.length, self.noise = LENGTHS[row], NOISES[column]
        self.factor, self.solved = factors[row, column].clone(), solved[row, column].clone()
        self.signal = signal[row, column].clone()

    def posterior(self, encodings: Float[Tensor, "M E K"]) -> tuple[Float[Tensor, "M S"], Float[Tensor, "M S"]]:
        """Return mean and deviation of the normal scores."""
        if tuple(encodings.shape[1:]) != self.shape[:2]:
            refuse("encodings", expected=f"shape (M, {self.shape[0]}, {self.shape[1]})", got=tuple(encodings.shape))
        cross = matern(squared_distances(encodings.flatten(1).double(), self.inputs), self.length)
        explained = torch.linalg.solve_triangular(self.factor, cross.T, upper=False).square().sum(dim=0)
        deviation = ((1 - explained).clamp_min(1e-9)[:, None] * self.signal).sqrt()
        return cross @ self.solved, deviation

    def predict(self, encodings: Float[Tensor, "M E K"]) -> Prediction:
        """Return median and half of the central two-deviation range (M, S), in the units of the losses."""
        mean, deviation = self.posterior(encodings)
        std = (self.map.restore(mean + deviation) - self.map.restore(mean - deviation)) / 2
        return Prediction(self.map.restore(mean).float(), std.float())

    def optimistic(self, encodings: Float[Tensor, "M E K"], caution: float) -> Float[Tensor, "M S"]:
        """Return q(mean − caution·deviation)."""
        mean, deviation = self.posterior(encodings)
        return self.map.restore(mean - caution * deviation).float()

    def state_dict(self) -> dict[str, Any]:
        """Return the labels' factorisation and the map."""
        return {
            "inputs": self.inputs,
            "factor": self.factor,
            "solved": self.solved,
            "signal": self.signal,
            "length": self.length,
            "noise": self.noise,
            "map": self.map.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.inputs, self.factor = state["inputs"], state["factor"]
        self.solved, self.signal = state["solved"], state["signal"]
        self.length, self.noise = state["length"], state["noise"]
        self.map = NormalScores.from_state(state["map"])


def squared_distances(x: Float[Tensor, "M D"], y: Float[Tensor, "N D"]) -> Float[Tensor, "M N"]:
    """Return ‖x−y‖² of every pair."""
    squares = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)[None]
    return (squares - 2 * x @ y.T).clamp_min(0.0)


def matern(distances: Tensor, length: Tensor | float) -> Tensor:
    """Return the Matérn-5/2 kernel of squared distances; differentiable where two points meet."""
    r = (5 * distances + 1e-12).sqrt() / length
    return (1 + r + r.square() / 3) * torch.exp(-r)

"""ψ as a Gaussian process: exact, milliseconds a fit, and unsure where it has seen nothing like it."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from numpy.polynomial.hermite_e import hermegauss
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.estimators.loss.base import LossEstimator, Prediction
from wsrnas.estimators.loss.features import Features
from wsrnas.estimators.loss.kernel import matern, spread, squared_distances
from wsrnas.estimators.loss.quantiles import NormalScores
from wsrnas.estimators.loss.standardise import check_labels

LENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 256.0)
"""Length scales tried for each group of features, in root mean square distances between the labels; the last one
switches the group off."""
NOISES = (1e-3, 3e-2, 0.2)
"""Noise variances tried, as shares of the signal's."""
NOISES_OF_LABELS_THAT_ERR = (3e-2, 0.2, 0.6, 2.0)
"""The same where labels are not the truth: ν = 0.56 leaves them a correlation of 0.8 with it. Given so wide a choice,
the process calls half of the differences between true labels noise, and the search stops looking."""
GROWTH = 1.2
"""Lengths and noise are chosen anew once there are this many times as many labels, or were as many more fits."""


PATHS_DEVIATIONS = 2.0
"""A deviation of the process on paths counts this often in `optimistic`: what architectures share explains so much of
their losses that the process is soon surer than a search for the single best one should be."""


class Head(NamedTuple):
    """The hyperparameters of one loss's process: a length scale per group, and ν."""

    lengths: tuple[float, ...]
    noise: float


class Solved(NamedTuple):
    """Hyperparameters conditioned on the labels: K + ν·W⁻¹ = L·Lᵀ, (K + ν·W⁻¹)⁻¹ y, and the signal variances."""

    factor: Float[Tensor, "N N"]
    solved: Float[Tensor, "N S"]
    signal: Float[Tensor, "S"]


class GaussianProcessLossEstimator(LossEstimator):
    """L̂ = E[q(f)]: one Gaussian process f per loss on normal scores of the losses, q maps scores back to losses.

    k(x,x') = σ²·(1 + r + r²/3)·exp(−r) with r² = 5·Σ_g ‖x_g − x'_g‖²/ℓ_g², plus noise ν·σ² on the labels. The groups
    x_g of features of H are those of `paths`, the features of the space, and from `until` labels on its details only
    (`until=None` keeps the groups): few labels are best spent on what architectures share (in cells, words and balances
    of paths), many on what tells neighbours apart (there, live edges). Without `paths` they are H itself. ℓ and ν come
    off grids (`LENGTHS`, `noises`) by the marginal likelihood, σ² profiled out, and `weights` divide the noise: an old
    label is a noisier one. In `predict` each loss has its own ℓ and ν. `optimistic` is q(mean − caution·deviation); on
    paths with the same ℓ and ν and deviations counted `PATHS_DEVIATIONS` times, else with one ℓ and ν for all losses,
    so that a loss easily predicted does not end the search. Nothing is random.

    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, Algorithm 2.1 and Section 5.4.
    Differs from the paper: the LSTM of Eq. 8 is replaced.
    """

    def __init__(
        self,
        *,
        num_edges: int,
        num_operations: int,
        num_losses: int,
        seed: int = 0,
        paths: Features | None = None,
        until: int | None = None,
        noises: tuple[float, ...] = NOISES,
    ) -> None:
        self.shape = (num_edges, num_operations, num_losses)
        self.seed, self.paths, self.until, self.noises = seed, paths, until, noises
        self.chosen_at = self.fits = 0
        self.own: list[Head] = []
        self.shared: list[Head] = []
        self.solutions: dict[Head, Solved] = {}
        self.labels: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def on_paths(self) -> bool:
        """Tell whether the features are those of paths, with the labels there are now."""
        labels = 0 if self.labels is None else len(self.labels[0])
        return self.paths is not None and (self.until is None or labels < self.until)

    def fit(
        self,
        encodings: Float[Tensor, "N E K"],
        losses: Float[Tensor, "N S"],
        *,
        generator: torch.Generator,
        weights: Float[Tensor, "N"] | None = None,
    ) -> None:
        """Condition on the labels; choose ℓ and ν where there are enough new ones."""
        weights = check_labels(encodings, losses, weights, self.shape)
        was_on_paths = self.on_paths
        self._remember(encodings.detach(), losses.detach(), weights)
        self.fits += 1
        grown = max(len(losses), self.chosen_at + self.fits) >= GROWTH * self.chosen_at
        if grown or len(losses) < self.chosen_at or self.on_paths != was_on_paths:
            self._choose()
            self.chosen_at, self.fits = len(losses), 0
        self._condition()

    def _remember(self, encodings: Tensor, losses: Tensor, weights: Tensor) -> None:
        self.labels = (encodings, losses, weights)
        self.map = NormalScores(losses)
        self.precision = weights.double().clamp_min(1e-3)
        groups = self._groups(encodings)
        self.scales = [spread(group) for group in groups]
        self.inputs = [group / scale for group, scale in zip(groups, self.scales)]
        self.squares = [squared_distances(group, group) for group in self.inputs]

    def _groups(self, encodings: Float[Tensor, "M E K"]) -> list[Tensor]:
        if tuple(encodings.shape[1:]) != self.shape[:2]:
            refuse("encodings", expected=f"shape (M, {self.shape[0]}, {self.shape[1]})", got=tuple(encodings.shape))
        if self.paths is not None and self.on_paths:
            return list(self.paths(encodings))
        return [encodings.flatten(1).double() if self.paths is None else self.paths.details(encodings)]

    def _choose(self) -> None:
        """Try every combination of lengths and noise: with √W·K·√W = V·diag(λ)·Vᵀ each ν costs a division."""
        targets, root = self.map.scores, self.precision.sqrt()
        tried: list[Head] = []
        evidence: list[Float[Tensor, "S"]] = []
        for lengths in product(LENGTHS, repeat=len(self.squares)):
            kernel = matern(self.squares, lengths)
            eigenvalues, vectors = torch.linalg.eigh(root[:, None] * kernel * root)
            projected = (vectors.T @ (root[:, None] * targets)).square()
            for noise in self.noises:
                spectrum = eigenvalues.clamp_min(0.0) + noise
                signal = (projected / spectrum[:, None]).mean(dim=0).clamp_min(1e-9)
                tried.append(Head(lengths, noise))
                evidence.append(-0.5 * (len(targets) * signal.log() + spectrum.log().sum()))
        log = torch.stack(evidence)
        self.own = [tried[place] for place in log.argmax(dim=0).tolist()]
        self.shared = [tried[int(log.sum(dim=1).argmax())]] * targets.shape[1]

    def _condition(self) -> None:
        """Solve for every choice in use, for all losses at once."""
        targets = self.map.scores
        self.solutions = {}
        for head in {*self.own, *self.shared}:
            factor = torch.linalg.cholesky(matern(self.squares, head.lengths) + torch.diag(head.noise / self.precision))
            solved = torch.cholesky_solve(targets, factor)
            self.solutions[head] = Solved(factor, solved, (targets * solved).mean(dim=0).clamp_min(1e-9))

    def posterior(
        self, encodings: Float[Tensor, "M E K"], heads: list[Head]
    ) -> tuple[Float[Tensor, "M S"], Float[Tensor, "M S"]]:
        """Return mean and deviation of the normal scores, each loss by its head; 0 and 1 before the first fit."""
        groups = self._groups(encodings)
        if self.labels is None:
            still = 0.0 * groups[0].sum(dim=1, keepdim=True).expand(-1, self.shape[2])
            return still, still + 1.0
        squares = [squared_distances(g / s, x) for g, s, x in zip(groups, self.scales, self.inputs)]
        found = {head: self._at(squares, head) for head in dict.fromkeys(heads)}
        means, deviations = zip(*((found[head][0][:, i], found[head][1][:, i]) for i, head in enumerate(heads)))
        return torch.stack(means, dim=1), torch.stack(deviations, dim=1)

    def _at(self, squares: list[Tensor], head: Head) -> tuple[Float[Tensor, "M S"], Float[Tensor, "M S"]]:
        solution, cross = self.solutions[head], matern(squares, head.lengths)
        explained = torch.linalg.solve_triangular(solution.factor, cross.T, upper=False).square().sum(dim=0)
        variance = (1 - explained).clamp_min(1e-9)[:, None] * solution.signal
        return cross @ solution.solved, variance.sqrt()

    def predict(self, encodings: Float[Tensor, "M E K"]) -> Prediction:
        """Return mean and deviation (M, S) of q(f), in the units of the losses."""
        mean, deviation = self.posterior(encodings, self.own)
        values = torch.stack([self._restore(mean + node * deviation) for node in _NODES.tolist()])
        expected = (values * _SHARES).sum(dim=0)
        variance = ((values - expected).square() * _SHARES).sum(dim=0)
        return Prediction(expected.float(), (variance + 1e-18).sqrt().float())

    def optimistic(self, encodings: Float[Tensor, "M E K"], caution: float) -> Float[Tensor, "M S"]:
        """Return q(mean − caution·deviation)."""
        mean, deviation = self.posterior(encodings, self.own if self.on_paths else self.shared)
        times = caution * PATHS_DEVIATIONS if self.on_paths else caution
        return self._restore(mean - times * deviation).float()

    def _restore(self, scores: Tensor) -> Tensor:
        return scores if self.labels is None else self.map.restore(scores)

    def state_dict(self) -> dict[str, Any]:
        """Return the labels and what was chosen; everything else follows from them."""
        return {
            "labels": self.labels,
            "chosen_at": self.chosen_at,
            "fits": self.fits,
            "own": [tuple(head) for head in self.own],
            "shared": [tuple(head) for head in self.shared],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.chosen_at, self.fits = state["chosen_at"], state["fits"]
        self.own = [Head(*head) for head in state["own"]]
        self.shared = [Head(*head) for head in state["shared"]]
        if state["labels"] is not None:
            self._remember(*state["labels"])
            self._condition()


# Seven-point Gauss-Hermite rule for a standard normal variable.
_NODES, _WEIGHTS = hermegauss(7)
_SHARES = torch.from_numpy(_WEIGHTS / _WEIGHTS.sum())[:, None, None]

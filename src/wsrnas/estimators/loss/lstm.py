"""ψ as the paper builds it: an LSTM that reads the edges of H one after another."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wsrnas.errors import one_of, refuse
from wsrnas.estimators.loss.base import LossEstimator, Prediction
from wsrnas.estimators.loss.standardise import TargetScale, check_labels
from wsrnas.rng import fixed_global_seed

Form = Literal["corrected", "printed", "released"]
INPUT_NOISE = 0.01
"""Deviation of the noise on H in the released code."""


class LSTMLossEstimator(LossEstimator):
    """Valid-Loss-Estimator: L̂_i = head_i(LSTM(H)_E), one linear head per loss on the last hidden state (Eq. 8).

    Eq. 9, Σ_i mean over the labels of (L̂_i − L_i)², is minimised for `passes` passes over the labels (K_v) with Adam;
    weights and optimiser continue from fit to fit. What L̂ and L are is the `form`:
    ``printed``: as they stand, on H as it is: the losses themselves and an output without bounds;
    ``corrected``: the losses standardised head by head, so that large losses do not outweigh small ones, and
    N(0, `input_noise`) on H;
    ``released``: the losses themselves, the same noise, and an output of 2·sigmoid. It cannot predict more than 2, less
    than a network of ten classes costs that knows nothing, and learns nothing more once it is near that bound.

    `refit_passes` is the number of passes of every fit after the first (the paper's is the same as `passes`).
    `input_noise` None takes 0.01, or none in the printed form.

    Source: Wsr-NAS, Eq. 8 and 9.
    The paper does not say, so as in the released code: Adam with learning rate 1e-3, betas (0.5, 0.999) and weight
    decay 1e-3, hidden size 16, batches of 64, 500 passes.
    Differs from the paper: ``printed``, nothing; ``corrected``, the targets and the noise on H; ``released``, the bound
    and the noise on H.

    Raises:
        InputError: an unknown form, or a negative `input_noise`.
    """

    def __init__(
        self,
        *,
        num_edges: int,
        num_operations: int,
        num_losses: int,
        seed: int = 0,
        form: Form = "corrected",
        hidden: int = 16,
        passes: int = 500,
        refit_passes: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-3,
        input_noise: float | None = None,
    ) -> None:
        one_of("form", form, get_args(Form))
        if input_noise is not None and not input_noise >= 0:
            refuse("input_noise", expected="a deviation >= 0", got=input_noise)
        self.shape = (num_edges, num_operations, num_losses)
        self.form: Form = form
        self.passes, self.refit_passes = passes, passes if refit_passes is None else refit_passes
        self.batch_size = batch_size
        default_noise = 0.0 if form == "printed" else INPUT_NOISE
        self.input_noise = default_noise if input_noise is None else input_noise
        with fixed_global_seed(seed, "lstm loss estimator"):
            self.lstm = nn.LSTM(num_operations, hidden, batch_first=True)
            self.heads = nn.Linear(hidden, num_losses)
        self.network = nn.ModuleList([self.lstm, self.heads])
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=learning_rate, betas=(0.5, 0.999), weight_decay=weight_decay
        )
        self.scale = TargetScale.identity(num_losses)
        self.fits = 0

    def loss_hat(self, encodings: Float[Tensor, "M E K"]) -> Float[Tensor, "M S"]:
        """Return L̂ in the units of training: standardised in the corrected form, else those of the losses."""
        _, (hidden, _) = self.lstm(encodings)
        output = self.heads(hidden[-1])
        return 2 * torch.sigmoid(output) if self.form == "released" else output

    def training_loss(
        self, encodings: Float[Tensor, "N E K"], targets: Float[Tensor, "N S"], weights: Float[Tensor, "N"]
    ) -> Float[Tensor, ""]:
        """Eq. 9: Σ_i mean over the labels of (L̂_i − L_i)²."""
        squared = (self.loss_hat(encodings) - targets).square()
        return (squared * weights[:, None]).mean(dim=0).sum()

    def fit(
        self,
        encodings: Float[Tensor, "N E K"],
        losses: Float[Tensor, "N S"],
        *,
        generator: torch.Generator,
        weights: Float[Tensor, "N"] | None = None,
    ) -> None:
        """Train for K_v passes."""
        weights = check_labels(encodings, losses, weights, self.shape)
        if self.form == "corrected":
            self.scale = TargetScale.of(losses)
        targets = self.scale.standardise(losses)
        for _ in range(self.refit_passes if self.fits else self.passes):
            order = torch.randperm(len(losses), generator=generator)
            for rows in order.split(self.batch_size):
                noise = torch.randn((len(rows), *self.shape[:2]), generator=generator)
                self.optimizer.zero_grad()
                inputs = encodings[rows] + self.input_noise * noise
                self.training_loss(inputs, targets[rows], weights[rows]).backward()
                self.optimizer.step()
        self.optimizer.zero_grad()
        self.fits += 1

    def predict(self, encodings: Float[Tensor, "M E K"]) -> Prediction:
        """Return L̂ of M architectures; a single network has no notion of uncertainty."""
        mean = self.loss_hat(encodings) * self.scale.spread + self.scale.centre
        return Prediction(mean, torch.zeros_like(mean))

    def state_dict(self) -> dict[str, Any]:
        """Return weights, optimiser and scale."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scale": list(self.scale),
            "fits": self.fits,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scale = TargetScale(*state["scale"])
        self.fits = int(state["fits"])

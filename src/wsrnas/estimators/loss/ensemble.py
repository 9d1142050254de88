"""ψ as we build it: several small networks whose disagreement says where they are unsure."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.estimators.loss.base import LossEstimator, Prediction
from wsrnas.estimators.loss.standardise import TargetScale, check_labels
from wsrnas.rng import derive_seed


class EnsembleLossEstimator(LossEstimator):
    """L̂ = mean of `members` multilayer perceptrons on the flattened H; std = their disagreement.

    All members are one batched network (weights carry a leading member axis), so a fit takes tens of milliseconds.
    Every fit starts anew from its own initial weights, which depend on `seed` only: what is predicted is a function of
    the labels, not of the history. Targets are standardised head by head. Minimises Eq. 9 with Adam, full batch.

    Source: deep ensembles, Lakshminarayanan et al., NeurIPS 2017; for architectures, BANANAS, White et al., AAAI 2021.
    Differs from the paper: the LSTM of Eq. 8 is replaced.
    """

    def __init__(
        self,
        *,
        num_edges: int,
        num_operations: int,
        num_losses: int,
        seed: int = 0,
        members: int = 5,
        hidden: int = 64,
        passes: int = 150,
        learning_rate: float = 1e-2,
        weight_decay: float = 1e-3,
        input_noise: float = 0.01,
    ) -> None:
        self.shape = (num_edges, num_operations, num_losses)
        self.seed, self.members, self.hidden = seed, members, hidden
        self.passes, self.learning_rate = passes, learning_rate
        self.weight_decay, self.input_noise = weight_decay, input_noise
        self.weights = self._initial()
        self.scale = TargetScale.identity(num_losses)

    def _initial(self) -> list[Tensor]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "ensemble loss estimator"))
        widths = [self.shape[0] * self.shape[1], self.hidden, self.hidden, self.shape[2]]
        weights = []
        for wide_in, wide_out in itertools.pairwise(widths):
            weights.append(torch.randn(self.members, wide_in, wide_out, generator=generator) * (2 / wide_in) ** 0.5)
            weights.append(torch.zeros(self.members, 1, wide_out))
        weights[-2].mul_(0.5)
        return weights

    def _forward(self, encodings: Float[Tensor, "M E K"], weights: list[Tensor]) -> Float[Tensor, "members M S"]:
        """Return standardised losses of every member."""
        x = encodings.flatten(1).expand(self.members, -1, -1)
        w1, b1, w2, b2, w3, b3 = weights
        x = torch.relu(torch.baddbmm(b1, x, w1))
        x = torch.relu(torch.baddbmm(b2, x, w2))
        return torch.baddbmm(b3, x, w3)

    def fit(
        self,
        encodings: Float[Tensor, "N E K"],
        losses: Float[Tensor, "N S"],
        *,
        generator: torch.Generator,
        weights: Float[Tensor, "N"] | None = None,
    ) -> None:
        """Train all members from their initial weights for `passes` full-batch steps."""
        label_weights = check_labels(encodings, losses, weights, self.shape)[None, :, None]
        self.scale = TargetScale.of(losses)
        targets = self.scale.standardise(losses)
        parameters = [weight.requires_grad_(True) for weight in self._initial()]
        optimizer = torch.optim.AdamW(parameters, lr=self.learning_rate, weight_decay=self.weight_decay, fused=True)
        for done in range(self.passes):
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate * (1 - done / self.passes)
            inputs = encodings + self.input_noise * torch.randn(encodings.shape, generator=generator)
            squared = (self._forward(inputs, parameters) - targets).square() * label_weights
            optimizer.zero_grad()
            squared.mean(dim=1).sum().backward()
            optimizer.step()
        self.weights = [weight.detach() for weight in parameters]

    def predict(self, encodings: Float[Tensor, "M E K"]) -> Prediction:
        """Return the members' mean and their standard deviation (M, S), in the units of the losses."""
        each = self._forward(encodings, self.weights) * self.scale.spread + self.scale.centre
        if self.members == 1:
            return Prediction(each[0], torch.zeros_like(each[0]))
        std, mean = torch.std_mean(each, dim=0)
        return Prediction(mean, std)

    def state_dict(self) -> dict[str, Any]:
        """Return the members' weights and the scale."""
        return {"weights": list(self.weights), "scale": list(self.scale)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.weights = [weight.clone() for weight in state["weights"]]
        self.scale = TargetScale(*state["scale"])

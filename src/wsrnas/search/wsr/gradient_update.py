"""Line 25 of Algorithm 1: A moves against the gradient of Eq. 10 through ψ."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.spaces.base import gumbel_softmax

PAPER_LEARNING_RATE = 0.1
"""Large against the spread of the Gumbel noise within T=100 updates, so that A decides what is sampled."""
RELEASED_LEARNING_RATE = 3e-5
"""The released code's: 200 updates move an entry of A by at most 0.006, while Gumbel noise has deviation 1.28."""


def alpha_optimizer(alpha: Tensor, *, learning_rate: float = PAPER_LEARNING_RATE) -> torch.optim.Adam:
    """Return Adam with the released code's betas (0.5, 0.999) on A, without weight decay."""
    return torch.optim.Adam([alpha], lr=learning_rate, betas=(0.5, 0.999))


def update_alpha(
    alpha: Tensor,
    estimator: LossEstimator,
    objective: Callable[[Tensor], Tensor],
    gumbel: Tensor,
    temperature: float,
    optimizer: torch.optim.Optimizer,
) -> float:
    """Take one step A ← A − c·∇_A [α·L̂₀ + β·Σ βᵢ·L̂ᵢ] with L̂ = ψ(GumbelSoftmax(A, ξ, τ)); return the objective.

    `alpha` and `gumbel` are (E, K); `optimizer` holds `alpha` and sets c. ψ is left without gradients.
    `objective` maps the losses (S,) to a scalar: a `SearchObjective` or another.

    Source: Wsr-NAS, Algorithm 1, line 25.
    Differs from the paper: it prints A + c·∇; a minimum needs the other sign.
    """
    leaf = alpha.detach().requires_grad_(True)
    loss_hat = estimator.predict(gumbel_softmax(leaf, gumbel, temperature)[None]).mean[0]
    value = objective(loss_hat)
    (alpha.grad,) = torch.autograd.grad(value, [leaf])
    optimizer.step()
    alpha.grad = None
    return float(value.detach())

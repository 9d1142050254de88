"""Labels that only half tell the truth, as one-shot losses do."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.estimators.loss.metrics import spearman
from wsrnas.search.objective import SearchObjective


def label_error(
    losses: Float[Tensor, "A losses"], objective: SearchObjective, correlation: float, seed: int
) -> Float[Tensor, "A losses"]:
    """Return an error (A, S) per label such that Spearman(true, noisy objective) ≈ `correlation`.

    One Gaussian draw per architecture, times each loss's standard deviation over the table: all losses of an
    architecture err together, as they do under badly shared weights, so averaging over strengths does not help.

    Raises:
        InputError: a correlation outside (0, 1].
    """
    if not 0 < correlation <= 1:
        refuse("--label-noise", expected="a rank correlation in (0, 1]", got=correlation)
    if correlation == 1:
        return torch.zeros_like(losses)
    draw = torch.randn(len(losses), 1, generator=rng.stream(seed, "label noise"))
    direction = draw * losses.std(dim=0)
    truth = objective(losses)
    low, high = 0.0, 64.0
    for _ in range(24):
        middle = (low + high) / 2
        if spearman(truth, objective(losses + middle * direction)) > correlation:
            low = middle
        else:
            high = middle
    return low * direction

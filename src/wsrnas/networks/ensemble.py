"""Several networks that decide together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from wsrnas.types import Images, Logits


class Ensemble(nn.Module):
    """log 1/K · Σ_k softmax f_k(x): the logarithm of the mean probability that K networks give each class.

    Written as a log-sum-exp of log-probabilities, so that gradients reach every member however sure the others are.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Images) -> Logits:
        """Return (B, classes), whose softmax is the mean probability."""
        logs = torch.stack([functional.log_softmax(member(images), dim=1) for member in self.members])
        return torch.logsumexp(logs, dim=0) - math.log(len(self.members))

"""What all layers of a network of blocks have in common: activation, normalisation and its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}
NORMALISATIONS = ("batch", "group")
ORDERS = ("post", "pre")
GROUP = 8
"""Channels that share their statistics in group normalisation, at least."""


class GroupNorm(nn.GroupNorm):
    """Group normalisation that also takes one image of one value per group, which it maps to the bias."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return torch.group_norm(features, self.num_groups, self.weight, self.bias, self.eps)


@dataclass(frozen=True, kw_only=True)
class Style:
    """Names of the activation, of the normalisation, and of their order.

    The order is the place of both: `post`, after the convolution and after the sum (He et al., CVPR 2016), or `pre`,
    before the convolution, so that nothing interrupts the sums (He et al., ECCV 2016).
    """

    activation: str
    normalisation: str
    order: str

    def act(self) -> nn.Module:
        """Return a new activation."""
        return ACTIVATIONS[self.activation]()

    def norm(self, channels: int) -> nn.Module:
        """Return a new normalisation; group: as many groups as leave `GROUP` channels or more in each."""
        if self.normalisation == "batch":
            return nn.BatchNorm2d(channels)
        most = max(channels // GROUP, 1)
        return GroupNorm(max(groups for groups in range(1, most + 1) if channels % groups == 0), channels)

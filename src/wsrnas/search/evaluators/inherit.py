"""Weights that a network of its own takes over from a super-network."""

from __future__ import annotations

import torch
from torch import nn

from wsrnas.errors import refuse

LEARNED = (nn.Conv2d, nn.Linear)
"""The layers that are taken over. BatchNorm is not: in a super-network it has neither weights nor running averages."""


@torch.no_grad()
def inherit(network: nn.Module, shared: nn.Module) -> None:
    """Copy convolutions and classifier of a genotype's sub-network into its stand-alone network, in place.

    Both run the same operations in the same order (`networks/cells/cells.py`), so layers are paired by their places.

    Raises:
        InputError: networks of two genotypes, or of other sizes.
    """
    pairs = [[layer for layer in one.modules() if isinstance(layer, LEARNED)] for one in (network, shared)]
    shapes = [[tuple(layer.weight.shape) for layer in layers] for layers in pairs]
    if shapes[0] != shapes[1]:
        refuse("shared", expected=f"layers of shapes {shapes[0]}", got=shapes[1], remedy="take the same genotype")
    for own, other in zip(*pairs):
        own.weight.copy_(other.weight)
        if own.bias is not None and other.bias is not None:
            own.bias.copy_(other.bias)

"""A dense cell: nodes that each read the input and all earlier nodes."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wsrnas.networks.stages.parts import Convolution
from wsrnas.networks.stages.style import Style

NODES = 4


class DensePlan(NamedTuple):
    """The sizes of a dense cell; `channels` are shared out over the nodes, fewer channels than nodes make fewer."""

    channels_in: int
    channels: int
    kernel: int
    stride: int

    @property
    def widths(self) -> list[int]:
        """The channels of every node, as even as can be."""
        ends = [self.channels * node // NODES for node in range(NODES + 1)]
        return [end - start for start, end in pairwise(ends) if end > start]

    @property
    def from_input(self) -> list[Convolution]:
        """What every node takes from the input."""
        return [Convolution(self.channels_in, width, self.kernel, self.stride) for width in self.widths]

    @property
    def from_nodes(self) -> list[Convolution]:
        """What every node but the first takes from all before it."""
        before = accumulate(self.widths)
        return [Convolution(earlier, width, self.kernel) for earlier, width in zip(before, self.widths[1:])]


class DenseCell(nn.Module):
    """node_j = Conv(input) + Conv(node_1, …, node_j−1), the nodes joined along the channels.

    k×k convolutions on all edges; every node is normalised and activated before it is read.

    Source: after Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
    Differs from the paper: the input is not joined to the output, for the block around the cell adds it.
    """

    def __init__(self, plan: DensePlan, style: Style) -> None:
        super().__init__()
        self.from_input = nn.ModuleList(layer.build() for layer in plan.from_input)
        self.from_nodes = nn.ModuleList(layer.build() for layer in plan.from_nodes)
        self.post = style.order == "post"
        self.norms = nn.ModuleList(style.norm(width) for width in (plan.widths if self.post else plan.widths[:-1]))
        self.act = style.act()

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels, ⌈H/stride⌉, ⌈W/stride⌉); in order `post` normalised."""
        nodes: list[Tensor] = []
        read: list[Tensor] = []
        for place, convolve in enumerate(self.from_input):
            node = convolve(features)
            if place:
                node = node + self.from_nodes[place - 1](torch.cat(read, dim=1))
            if self.post:
                node = self.norms[place](node)
            nodes.append(node)
            if place < len(self.from_nodes):
                read.append(self.act(node if self.post else self.norms[place](node)))
        return torch.cat(nodes, dim=1)

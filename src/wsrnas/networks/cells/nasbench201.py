"""The skeleton of NAS-Bench-201 (Dong and Yang, ICLR 2020): three stages of cells with residual blocks between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from wsrnas.fast import FastPath
from wsrnas.networks.cells.operations import BatchNorm, relu_conv_norm
from wsrnas.networks.cells.sharing import Nodes
from wsrnas.networks.normalize import Normalize
from wsrnas.types import Images, Logits

CELL_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
STAGES = 3
OUTPUT = 3
"""Nodes of a cell are numbered 0 (input) to 3 (output)."""


class DagCell(FastPath):
    """A cell as a fixed list of (operation, source, target) from node 0 to node 3; zeros where nothing gets there."""

    def __init__(self, steps: Sequence[tuple[nn.Module, int, int]]) -> None:
        super().__init__()
        self.operations = nn.ModuleList(operation for operation, _, _ in steps)
        self.wiring = tuple((source, target) for _, source, target in steps)

    def forward(self, features: Tensor) -> Tensor:
        """Return node 3, of the shape of the input."""
        if self.fast:
            shared = Nodes({0: features})
            for operation, (source, target) in zip(self.operations, self.wiring):
                shared.run(operation, source, target)
            return shared.values[OUTPUT] if OUTPUT in shared.values else torch.zeros_like(features)
        nodes = {0: features}
        for operation, (source, target) in zip(self.operations, self.wiring):
            output = operation(nodes[source])
            nodes[target] = nodes[target] + output if target in nodes else output
        return nodes[OUTPUT] if OUTPUT in nodes else torch.zeros_like(features)


class ResidualReduction(nn.Module):
    """Halve the resolution and double the channels: two 3x3 convolutions beside an average pooling and a 1x1.

    Differs from NAS-Bench-201: the pooling keeps the last row and column of odd sizes, where theirs fails.
    """

    def __init__(self, channels: int, batch_norm: BatchNorm) -> None:
        super().__init__()
        self.main = nn.Sequential(
            relu_conv_norm(channels, 2 * channels, 3, batch_norm, stride=2),
            relu_conv_norm(2 * channels, 2 * channels, 3, batch_norm),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False),
            nn.Conv2d(channels, 2 * channels, 1, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, 2C, ⌈H/2⌉, ⌈W/2⌉)."""
        return self.main(features) + self.shortcut(features)


class StagedNetwork(nn.Module):
    """Normalisation, stem, stages of cells, BatchNorm, global average, linear classifier: images in [0,1] → logits."""

    def __init__(
        self, normalize: Normalize, stem: nn.Module, body: Sequence[nn.Module], last: nn.Module, classifier: nn.Linear
    ) -> None:
        super().__init__()
        self.normalize, self.stem, self.body = normalize, stem, nn.ModuleList(body)
        self.last, self.classifier = last, classifier

    def forward(self, images: Images) -> Logits:
        """Return logits (B, classes)."""
        features = self.stem(self.normalize(images))
        for block in self.body:
            features = block(features)
        return self.classifier(self.last(features).mean(dim=(2, 3)))


def staged_network(
    make_cell: Callable[[int], nn.Module],
    *,
    channels: int,
    layers: int,
    num_classes: int,
    image_channels: int,
    mean: Sequence[float],
    std: Sequence[float],
    batch_norm: BatchNorm,
) -> StagedNetwork:
    """Build the skeleton; `make_cell(channels)` makes each of the `layers` cells, split as evenly as can be.

    The published networks have 15 cells and 16 channels.
    """
    body: list[nn.Module] = []
    width = channels
    for stage in range(STAGES):
        if stage:
            body.append(ResidualReduction(width, batch_norm))
            width *= 2
        body += [make_cell(width) for _ in range(layers // STAGES + (stage < layers % STAGES))]
    stem = nn.Sequential(nn.Conv2d(image_channels, channels, 3, padding=1, bias=False), batch_norm(channels))
    last = nn.Sequential(batch_norm(width), nn.ReLU())
    return StagedNetwork(Normalize(mean, std), stem, body, last, nn.Linear(width, num_classes))

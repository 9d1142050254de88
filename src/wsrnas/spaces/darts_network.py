"""The super-network of the DARTS space: every operation of every edge of every cell, weights shared."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsrnas.fast import FastPath
from wsrnas.networks.cells.cells import (
    INPUTS,
    CellNetwork,
    ResolvedCell,
    live_edges,
    preprocessing,
    reduction_positions,
)
from wsrnas.networks.cells.operations import SHARED, BatchNorm, make_operation
from wsrnas.networks.cells.stems import make_stem
from wsrnas.networks.normalize import Normalize
from wsrnas.spaces.base import NetworkConfig, SuperNetwork
from wsrnas.spaces.checks import check_arch_weights, check_choice
from wsrnas.spaces.mixing import edges_by_source, mixed_edges
from wsrnas.types import Choice, Encoding, Images, Logits

STEM_NORM = BatchNorm(affine=True, track_running_stats=False)
"""The released super-network's only affine BatchNorm, 96 of its 1,930,618 weights at 16 channels."""


class MixedCell(FastPath):
    """All K operations on all edges of one cell."""

    def __init__(
        self,
        operations: tuple[str, ...],
        wiring: tuple[tuple[int, int], ...],
        channels_in: tuple[int, int],
        channels: int,
        *,
        reduction: bool,
        reduced_before: bool,
    ) -> None:
        super().__init__()
        self.wiring, self.names, self.channels, self.reduction = wiring, operations, channels, reduction
        self.nodes = tuple(sorted({target for _, target in wiring}))
        self.leaving = edges_by_source(wiring)
        self.preprocess = nn.ModuleList(
            preprocessing(channels_in, channels, reduced_before=reduced_before, batch_norm=SHARED)
        )
        self.edges = nn.ModuleList(
            nn.ModuleList(
                make_operation(name, channels, 2 if reduction and source in INPUTS else 1, SHARED)
                for name in operations
            )
            for source, _ in wiring
        )

    def at(self, choice: Choice) -> ResolvedCell:
        """Return the cell that runs one operation per edge; edges that cannot change the output are left out."""
        names = [self.names[k] if k >= 0 else "none" for k in choice]
        live = live_edges([(name, *pair) for name, pair in zip(names, self.wiring)], self.nodes)
        steps = [(self._operation(row, choice[row]), *self.wiring[row]) for row in live]
        cell = ResolvedCell(list(self.preprocess), steps, self.nodes, channels=self.channels, reduction=self.reduction)
        cell.fast = self.fast
        return cell

    def _operation(self, row: int, index: int) -> nn.Module:
        return self._candidates(row)[index]

    def _candidates(self, row: int) -> nn.ModuleList:
        candidates = self.edges[row]
        assert isinstance(candidates, nn.ModuleList)
        return candidates

    def mixture(self, before_last: Tensor, last: Tensor, arch_weights: Encoding) -> Tensor:
        """Eq. 2 in one cell: node_j = Σ_i Σ_k h_ijk · o_k(node_i)."""
        nodes: dict[int, Tensor] = {i: self.preprocess[i](x) for i, x in zip(INPUTS, (before_last, last))}
        for source, rows in self.leaving.items():
            outputs = mixed_edges(nodes[source], [self._candidates(row) for row in rows], arch_weights[list(rows)])
            for row, output in zip(rows, outputs.unbind(1)):
                target = self.wiring[row][1]
                nodes[target] = nodes[target] + output if target in nodes else output
        return torch.cat([nodes[i] for i in self.nodes], dim=1)


class DartsSuperNetwork(SuperNetwork):
    """Stacked `MixedCell`s; normal cells read the first half of H, reduction cells the second."""

    def __init__(self, operations: tuple[str, ...], wiring: tuple[tuple[int, int], ...], config: NetworkConfig) -> None:
        super().__init__()
        self.num_rows, self.num_operations, self.rows = 2 * len(wiring), len(operations), len(wiring)
        self.normalize = Normalize(config.mean, config.std)
        self.stem = make_stem(config.stem, config.image_shape[0], config.channels, STEM_NORM)
        self.cells = nn.ModuleList()
        widths, width, reduced = self.stem.channels, config.channels, self.stem.reduces
        for i in range(config.layers):
            reduction = i in reduction_positions(config.layers)
            width *= 2 if reduction else 1
            cell = MixedCell(operations, wiring, widths, width, reduction=reduction, reduced_before=reduced)
            self.cells.append(cell)
            widths, reduced = (widths[1], width * len(cell.nodes)), reduction
        self.classifier = nn.Linear(widths[1], config.num_classes)

    def _mixed_cells(self) -> list[MixedCell]:
        return [cell for cell in self.cells if isinstance(cell, MixedCell)]

    def at(self, choice: Choice) -> CellNetwork:
        """Return the sub-network of a choice as a static sequence of the shared modules (cheap: nothing is copied)."""
        check_choice(choice, self.num_rows, self.num_operations)
        halves = (choice[: self.rows], choice[self.rows :])
        cells = [cell.at(halves[cell.reduction]) for cell in self._mixed_cells()]
        return CellNetwork(self.normalize, self.stem, cells, self.classifier)

    def mixture(self, images: Images, arch_weights: Encoding) -> Logits:
        """Eq. 2: every edge sums all K operations weighted by its row of H; differentiable in `arch_weights`.

        Differs from the released code, which runs only the heaviest operation of each edge.
        """
        check_arch_weights(arch_weights, self.num_rows, self.num_operations)
        halves = (arch_weights[: self.rows], arch_weights[self.rows :])
        before_last, last = self.stem(self.normalize(images))
        for cell in self._mixed_cells():
            before_last, last = last, cell.mixture(before_last, last, halves[cell.reduction])
        return self.classifier(last.mean(dim=(2, 3)))

    def forward(self, images: Images, arch_weights: Encoding) -> Logits:
        """Return the mixture."""
        return self.mixture(images, arch_weights)

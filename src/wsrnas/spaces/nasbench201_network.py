"""The super-network of the NAS-Bench-201 space."""

from __future__ import annotations

from torch import Tensor, nn

from wsrnas.fast import FastPath
from wsrnas.networks.cells.cells import live_edges
from wsrnas.networks.cells.nasbench201 import OUTPUT, DagCell, StagedNetwork, staged_network
from wsrnas.networks.cells.operations import BatchNorm, make_operation
from wsrnas.spaces.base import NetworkConfig, SuperNetwork
from wsrnas.spaces.checks import check_arch_weights, check_choice
from wsrnas.spaces.mixing import edges_by_source, mixed_edges
from wsrnas.types import Choice, Encoding, Images, Logits

SHARED_BARE_POOLING = BatchNorm(affine=False, track_running_stats=False)


class MixedDagCell(FastPath):
    """All operations on all six edges of one cell."""

    def __init__(self, operations: tuple[str, ...], wiring: tuple[tuple[int, int], ...], channels: int) -> None:
        super().__init__()
        self.names, self.wiring, self.leaving = operations, wiring, edges_by_source(wiring)
        self.edges = nn.ModuleList(
            nn.ModuleList(make_operation(name, channels, 1, SHARED_BARE_POOLING) for name in operations) for _ in wiring
        )

    def at(self, choice: Choice) -> DagCell:
        """Return the cell that runs one operation per edge; edges that cannot change the output are left out."""
        names = [self.names[k] if k >= 0 else "none" for k in choice]
        live = live_edges([(name, *pair) for name, pair in zip(names, self.wiring)], (OUTPUT,), inputs=(0,))
        cell = DagCell([(self._operation(row, choice[row]), *self.wiring[row]) for row in live])
        cell.fast = self.fast
        return cell

    def mixture(self, features: Tensor, arch_weights: Encoding) -> Tensor:
        """Eq. 2 in one cell: node_j = Σ_i Σ_k h_ijk · o_k(node_i)."""
        nodes: dict[int, Tensor] = {0: features}
        for source, rows in self.leaving.items():
            outputs = mixed_edges(nodes[source], [self._candidates(row) for row in rows], arch_weights[list(rows)])
            for row, output in zip(rows, outputs.unbind(1)):
                target = self.wiring[row][1]
                nodes[target] = nodes[target] + output if target in nodes else output
        return nodes[OUTPUT]

    def _operation(self, row: int, index: int) -> nn.Module:
        return self._candidates(row)[index]

    def _candidates(self, row: int) -> nn.ModuleList:
        candidates = self.edges[row]
        assert isinstance(candidates, nn.ModuleList)
        return candidates


class NasBench201SuperNetwork(SuperNetwork):
    """The skeleton with a `MixedDagCell` at every place of a cell; all cells read the same six rows of H."""

    def __init__(self, operations: tuple[str, ...], wiring: tuple[tuple[int, int], ...], config: NetworkConfig) -> None:
        super().__init__()
        self.num_rows, self.num_operations = len(wiring), len(operations)
        self.network = staged_network(
            lambda channels: MixedDagCell(operations, wiring, channels),
            channels=config.channels,
            layers=config.layers,
            num_classes=config.num_classes,
            image_channels=config.image_shape[0],
            mean=config.mean,
            std=config.std,
            batch_norm=SHARED_BARE_POOLING,
        )

    def at(self, choice: Choice) -> StagedNetwork:
        """Return the sub-network of a choice as a static sequence of the shared modules (cheap: nothing is copied)."""
        check_choice(choice, self.num_rows, self.num_operations)
        whole = self.network
        body = [block.at(choice) if isinstance(block, MixedDagCell) else block for block in whole.body]
        return StagedNetwork(whole.normalize, whole.stem, body, whole.last, whole.classifier)

    def mixture(self, images: Images, arch_weights: Encoding) -> Logits:
        """Eq. 2: every edge sums all five operations weighted by its row of H; differentiable in `arch_weights`."""
        check_arch_weights(arch_weights, self.num_rows, self.num_operations)
        whole = self.network
        features = whole.stem(whole.normalize(images))
        for block in whole.body:
            features = block.mixture(features, arch_weights) if isinstance(block, MixedDagCell) else block(features)
        return whole.classifier(whole.last(features).mean(dim=(2, 3)))

    def forward(self, images: Images, arch_weights: Encoding) -> Logits:
        """Return the mixture."""
        return self.mixture(images, arch_weights)

"""Networks of stacked cells, each cell a static sequence of operations decided before the first image is seen.

The stand-alone network of a genotype and the sub-network of a super-network are the same classes here; they differ
only in who owns the operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.fast import FastPath
from wsrnas.networks.cells.operations import DERIVED, BatchNorm, FactorizedReduce, make_operation, relu_conv_norm
from wsrnas.networks.cells.sharing import Nodes, after_relu, join
from wsrnas.networks.cells.stems import Stem, make_stem
from wsrnas.networks.normalize import Normalize
from wsrnas.types import Images, Logits

INPUTS = (0, 1)
"""Nodes 0 and 1 of a cell are the outputs of the last but one and of the last cell."""
LabelledEdge = tuple[str, int, int]
"""(operation, source node, target node)"""


@runtime_checkable
class CellPlan(Protocol):
    """What a cell is built from: labelled edges, and the nodes whose outputs are joined."""

    @property
    def edges(self) -> tuple[LabelledEdge, ...]:
        """(operation, source, target) of every edge."""

    @property
    def concat(self) -> tuple[int, ...]:
        """The nodes joined along the channels."""


def live_edges(edges: Iterable[LabelledEdge], concat: Iterable[int], inputs: Iterable[int] = INPUTS) -> list[int]:
    """Return which edges matter, in the order of their targets: those on a path without `none` from input to output."""
    edges = list(edges)
    order = sorted((i for i, edge in enumerate(edges) if edge[0] != "none"), key=lambda i: edges[i][2])
    filled = set(inputs)
    for i in order:
        if edges[i][1] in filled:
            filled.add(edges[i][2])
    wanted, kept = set(concat), []
    for i in reversed(order):
        if edges[i][1] in filled and edges[i][2] in wanted:
            wanted.add(edges[i][1])
            kept.append(i)
    return kept[::-1]


def cell_reads(edges: Iterable[tuple[int, int]], concat: Iterable[int]) -> tuple[bool, bool]:
    """Return whether a cell of these (source, target) edges reads the last but one cell, and the last.

    A joined node that no edge reaches yields zeros of the shape of the last cell's output, so it reads that.
    """
    edges, concat = list(edges), set(concat)
    read = {source for source, _ in edges} | concat
    reached = {target for _, target in edges} | set(INPUTS)
    return 0 in read, 1 in read or not reached.issuperset(concat)


def needed_cells(reads: Sequence[tuple[bool, bool]]) -> tuple[bool, ...]:
    """Return which cells run, given what each reads (`cell_reads`): those whose output gets to the classifier."""
    needed = [False] * len(reads) + [True]
    for i in reversed(range(len(reads))):
        if needed[i + 1]:
            before_last, last = reads[i]
            needed[i] |= last
            if i:
                needed[i - 1] |= before_last
    return tuple(needed[1:])


def reduction_positions(layers: int) -> set[int]:
    """Return the positions of the cells that halve the resolution: a third and two thirds of the way."""
    return {layers // 3, 2 * layers // 3}


class ResolvedCell(FastPath):
    """A cell as a fixed list of (operation, source, target); sums at nodes, joins `concat` along the channels.

    A node of `concat` that no operation reaches yields zeros, and an input no operation reads is not preprocessed.
    """

    def __init__(
        self,
        preprocess: Sequence[nn.Module],
        steps: Sequence[tuple[nn.Module, int, int]],
        concat: Sequence[int],
        *,
        channels: int,
        reduction: bool,
    ) -> None:
        super().__init__()
        read = {source for _, source, _ in steps} | set(concat)
        self.preprocess = nn.ModuleList(preprocess[i] for i in INPUTS if i in read)
        self.inputs = tuple(i for i in INPUTS if i in read)
        self.operations = nn.ModuleList(operation for operation, _, _ in steps)
        self.wiring = tuple((source, target) for _, source, target in steps)
        self.concat = tuple(concat)
        self.channels, self.stride = channels, 2 if reduction else 1
        self.reads = cell_reads(self.wiring, self.concat)

    def forward(self, before_last: Tensor | None, last: Tensor | None) -> Tensor:
        """Return (B, channels · len(concat), H', W'); an input that is not read may be None."""
        if self.fast:
            inputs = {i: layer((before_last, last)[i]) for i, layer in zip(self.inputs, self.preprocess)}
            return self._shared(inputs, last)
        nodes: dict[int, Tensor] = {}
        for i, preprocess in zip(self.inputs, self.preprocess):
            nodes[i] = preprocess((before_last, last)[i])
        for operation, (source, target) in zip(self.operations, self.wiring):
            output = operation(nodes[source])
            nodes[target] = nodes[target] + output if target in nodes else output
        return torch.cat([nodes[i] if i in nodes else self._zeros(last) for i in self.concat], dim=1)

    @property
    def rectifies(self) -> bool:
        """Whether every input is rectified before anything else is done, so that one copy serves all readers."""
        return self.fast and all(after_relu(layer) is not None for layer in self.preprocess)

    def from_rectified(self, before_last: Tensor | None, last: Tensor | None) -> Tensor:
        """Return the same for inputs that are rectified already."""
        inputs = {}
        for i, layer in zip(self.inputs, self.preprocess):
            rest, features = after_relu(layer), (before_last, last)[i]
            assert rest is not None, "asked where `rectifies` only"
            assert features is not None, "an input that is read"
            inputs[i] = rest(features)
        return self._shared(inputs, last)

    def _shared(self, inputs: dict[int, Tensor], last: Tensor | None) -> Tensor:
        nodes = Nodes(inputs)
        for operation, (source, target) in zip(self.operations, self.wiring):
            nodes.run(operation, source, target)
        return join([nodes.values[i] if i in nodes.values else self._zeros(last) for i in self.concat])

    def _zeros(self, last: Tensor | None) -> Tensor:
        if last is None:
            raise RuntimeError("a cell with an empty node needs the shape of the last cell's output")
        batch, _, height, width = last.shape
        size = (batch, self.channels, -(-height // self.stride), -(-width // self.stride))
        return torch.zeros(size, dtype=last.dtype, device=last.device)


class CellNetwork(nn.Module):
    """Normalisation, stem, cells, global average, linear classifier: images in [0,1] → logits.

    A cell whose output no later cell reads is left out.
    """

    def __init__(self, normalize: Normalize, stem: Stem, cells: Sequence[ResolvedCell], classifier: nn.Linear) -> None:
        super().__init__()
        self.normalize, self.stem = normalize, stem
        self.schedule = needed_cells([cell.reads for cell in cells])
        self.cells = nn.ModuleList(cell for cell, run in zip(cells, self.schedule) if run)
        self.classifier = classifier

    def forward(self, images: Images) -> Logits:
        """Return logits (B, classes), in train and in eval mode alike."""
        before_last: Tensor | None
        last: Tensor | None
        before_last, last = self.stem(self.normalize(images))
        cells = iter(self.cells)
        resolved = [cell for cell in self.cells if isinstance(cell, ResolvedCell)]
        if resolved and all(cell.rectifies for cell in resolved):
            last = self._rectified(resolved, before_last, last)
            return self.classifier(last.mean(dim=(2, 3)))
        for run in self.schedule:
            before_last, last = last, next(cells)(before_last, last) if run else None
        if last is None:
            raise RuntimeError("the last cell always runs")
        return self.classifier(last.mean(dim=(2, 3)))

    def _rectified(self, cells: Sequence[ResolvedCell], first: Tensor, second: Tensor) -> Tensor:
        """Run the cells; what two of them read is rectified once, in place."""
        before_last: Tensor | None = functional.relu(first)
        last = before_last if second is first else functional.relu(second)
        waiting, final = iter(cells), cells[-1]
        for run in self.schedule:
            cell = next(waiting) if run else None
            output = None if cell is None else cell.from_rectified(before_last, last)
            before_last, last = last, output if output is None or cell is final else output.relu_()
        assert last is not None, "the last cell always runs"
        return last


def preprocessing(
    channels_in: tuple[int, int], channels: int, *, reduced_before: bool, batch_norm: BatchNorm
) -> list[nn.Module]:
    """Return the two layers that bring a cell's inputs to its width and resolution."""
    first = (
        FactorizedReduce(channels_in[0], channels, batch_norm)
        if reduced_before
        else relu_conv_norm(channels_in[0], channels, 1, batch_norm)
    )
    return [first, relu_conv_norm(channels_in[1], channels, 1, batch_norm)]


class CellPlace(NamedTuple):
    """A cell of a network before it is built: its live edges with the stride of each, and its sizes."""

    steps: tuple[tuple[str, int, int, int], ...]
    concat: tuple[int, ...]
    channels_in: tuple[int, int]
    channels: int
    reduction: bool
    reduced_before: bool


def cell_places(
    plans: Sequence[CellPlan], channels: int, stem_channels: tuple[int, int], *, stem_reduces: bool
) -> list[CellPlace]:
    """Lay out one cell per plan; those at `reduction_positions` halve the resolution and double the width.

    A step is (operation, source, target, stride). `none`, nodes without input and nodes nobody reads are left out.
    """
    places: list[CellPlace] = []
    widths, width, reduced = stem_channels, channels, stem_reduces
    for i, plan in enumerate(plans):
        reduction = i in reduction_positions(len(plans))
        width *= 2 if reduction else 1
        live = (plan.edges[j] for j in live_edges(plan.edges, plan.concat))
        steps = tuple(
            (name, source, target, 2 if reduction and source in INPUTS else 1) for name, source, target in live
        )
        places.append(CellPlace(steps, plan.concat, widths, width, reduction, reduced))
        widths, reduced = (widths[1], width * len(plan.concat)), reduction
    return places


def stacked_cells(
    plans: Sequence[CellPlan],
    *,
    channels: int,
    num_classes: int,
    image_channels: int,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    stem: str = "cifar",
    batch_norm: BatchNorm = DERIVED,
) -> CellNetwork:
    """Build a network from one plan per cell, laid out as `cell_places` says.

    Differs from the released code: logits only, in train mode too (its auxiliary head is not built).
    """
    trunk = make_stem(stem, image_channels, channels, DERIVED)
    cells, width = [], trunk.channels[1]
    for place in cell_places(plans, channels, trunk.channels, stem_reduces=trunk.reduces):
        steps = [
            (make_operation(name, place.channels, stride, batch_norm), source, target)
            for name, source, target, stride in place.steps
        ]
        inputs = preprocessing(
            place.channels_in, place.channels, reduced_before=place.reduced_before, batch_norm=batch_norm
        )
        cells.append(ResolvedCell(inputs, steps, place.concat, channels=place.channels, reduction=place.reduction))
        width = place.channels * len(place.concat)
    return CellNetwork(Normalize(mean, std), trunk, cells, nn.Linear(width, num_classes))


def derived_plans(normal: CellPlan, reduce: CellPlan, layers: int) -> list[CellPlan]:
    """Return the plan of every cell: reduction cells a third and two thirds of the way, normal cells elsewhere."""
    return [reduce if i in reduction_positions(layers) else normal for i in range(layers)]

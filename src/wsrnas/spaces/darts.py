"""The DARTS space: a normal and a reduction cell, every node joined to all earlier ones (Liu et al., ICLR 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import nn

from wsrnas.errors import refuse
from wsrnas.networks.cells.cell_size import stacked_parameters
from wsrnas.networks.cells.cells import INPUTS, LabelledEdge, derived_plans, stacked_cells
from wsrnas.networks.cells.operations import OPERATIONS
from wsrnas.spaces.base import NetworkConfig, SuperNetwork
from wsrnas.spaces.canonical import canonical_cell
from wsrnas.spaces.cells import CellSpace, Edge
from wsrnas.spaces.checks import check_arch_weights, check_genotype, check_operations
from wsrnas.spaces.darts_network import DartsSuperNetwork
from wsrnas.spaces.draw import draw_genotype
from wsrnas.spaces.genotype import Cell, CellGenotype, Genotype
from wsrnas.spaces.parse import parse_darts
from wsrnas.types import Choice, Encoding

DARTS_OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
CELLS = ("normal", "reduce")


@dataclass(frozen=True, kw_only=True)
class DartsSpace(CellSpace):
    """Cells of `nodes` intermediate nodes, each reading two earlier ones; rows of A: normal cell, then reduction cell.

    Nodes 0 and 1 are the outputs of the last but one and the last cell; within a cell, rows go by target, then source.

    Raises:
        InputError: fewer than one node, an unknown operation, or no operation besides `none`.
    """

    name: ClassVar[str] = "darts"
    nodes: int = 4
    operations: tuple[str, ...] = DARTS_OPERATIONS
    edges: tuple[Edge, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.nodes < 1:
            refuse("nodes", expected="at least 1", got=self.nodes)
        check_operations(self.operations, OPERATIONS, argument="operations")
        if len(set(self.operations)) != len(self.operations) or not self._candidates:
            refuse("operations", expected="distinct names, at least one besides 'none'", got=self.operations)
        edges = tuple(Edge(cell, source, target) for cell in CELLS for source, target in self._wiring)
        object.__setattr__(self, "edges", edges)

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """All intermediate nodes, concatenated."""
        return dict.fromkeys(CELLS, tuple(self._targets))

    @property
    def _wiring(self) -> tuple[tuple[int, int], ...]:
        return tuple((source, target) for target in self._targets for source in range(target))

    @property
    def _targets(self) -> range:
        return range(len(INPUTS), len(INPUTS) + self.nodes)

    @property
    def _candidates(self) -> tuple[str, ...]:
        return tuple(name for name in self.operations if name != "none")

    def sample(self, generator: torch.Generator) -> Genotype:
        """Draw two distinct inputs per node and one operation other than `none` per edge, uniformly."""
        cells = []
        for _ in CELLS:
            edges: list[LabelledEdge] = []
            for target in self._targets:
                sources = sorted(torch.randperm(target, generator=generator)[:2].tolist())
                drawn = torch.randint(len(self._candidates), (2,), generator=generator).tolist()
                edges += [(self._candidates[k], source, target) for k, source in zip(drawn, sources)]
            cells.append(tuple(edges))
        return self._genotype(cells)

    def mutate(self, genotype: Genotype, generator: torch.Generator) -> Genotype:
        """Return one of the neighbours, drawn uniformly."""
        neighbours = self.neighbours(genotype)
        return neighbours[int(torch.randint(len(neighbours), (1,), generator=generator))]

    def neighbours(self, genotype: Genotype) -> list[Genotype]:
        """Return every genotype with one other operation, or with one edge coming from another node."""
        cells = self._searched(genotype)
        found: list[Genotype] = []
        for name in CELLS:
            for edges in self._changed(cells[name].edges):
                changed = {cell: cells[cell].edges for cell in CELLS} | {name: edges}
                found.append(self._genotype([changed[cell] for cell in CELLS]))
        return found

    def _changed(self, edges: tuple[LabelledEdge, ...]) -> Iterator[tuple[LabelledEdge, ...]]:
        for i, (operation, source, target) in enumerate(edges):
            taken = {other for _, other, node in edges if node == target}
            others = [(name, source, target) for name in self._candidates if name != operation]
            others += [(operation, other, target) for other in range(target) if other not in taken]
            for edge in others:
                yield (*edges[:i], edge, *edges[i + 1 :])

    def choice(self, genotype: Genotype) -> Choice:
        """Return the operation on each edge, -1 where the genotype has no edge.

        Raises:
            InputError: an operation or node this space lacks, or two edges between the same two nodes.
        """
        cells = self._searched(genotype)
        choice = []
        for name in CELLS:
            chosen = {(source, target): operation for operation, source, target in cells[name].edges}
            choice += [self.operations.index(chosen[pair]) if pair in chosen else -1 for pair in self._wiring]
        return tuple(choice)

    def decode(self, alpha: Encoding) -> Genotype:
        """Derive the genotype: per node the two inputs with the largest weight, each with its best operation.

        `none` takes no part; of equal weights the earlier node or operation wins.
        """
        check_arch_weights(alpha, self.num_edges, self.num_operations)
        columns = [k for k, name in enumerate(self.operations) if name != "none"]
        best = alpha.detach()[:, columns].max(dim=1)
        weights, indices = best.values.tolist(), best.indices.tolist()
        cells = []
        for name in CELLS:
            edges: list[LabelledEdge] = []
            for target in self._targets:
                rows = [i for i, edge in enumerate(self.edges) if (edge.cell, edge.target) == (name, target)]
                kept = sorted(sorted(rows, key=lambda i: -weights[i])[:2])
                edges += [(self._candidates[indices[i]], self.edges[i].source, target) for i in kept]
            cells.append(tuple(edges))
        return self._genotype(cells)

    def canonical(self, genotype: Genotype) -> str:
        """Return a key shared by isomorphic genotypes: the order of edges and the names of nodes do not count.

        Renaming nodes permutes the channels a cell hands on, which the next cell's 1x1 convolution undoes.
        """
        cells = self._built(genotype)
        return " ".join(f"{name}:{canonical_cell(cells[name])}" for name in CELLS)

    def parse(self, text: str) -> Genotype:
        """Read `Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), reduce=…, reduce_concat=…)`."""
        return parse_darts(text)

    def check(self, genotype: Genotype, *, argument: str = "genotype") -> None:
        """Refuse what is not two cells of known operations on edges from earlier to later nodes."""
        self._built(genotype, argument=argument)

    def supernet(self, config: NetworkConfig) -> SuperNetwork:
        """Build the super-network; draw its weights inside `rng.fixed_global_seed`."""
        return DartsSuperNetwork(self.operations, self._wiring, config)

    def build(self, genotype: Genotype, config: NetworkConfig) -> nn.Module:
        """Build the stand-alone network of a genotype with any number of nodes and any known operations."""
        cells = self._built(genotype)
        return stacked_cells(
            derived_plans(cells["normal"], cells["reduce"], config.layers),
            channels=config.channels,
            num_classes=config.num_classes,
            image_channels=config.image_shape[0],
            mean=config.mean,
            std=config.std,
            stem=config.stem,
        )

    def parameters(self, genotype: Genotype, config: NetworkConfig) -> int:
        """Return how many weights the stand-alone network has, without building it."""
        cells = self._built(genotype)
        return stacked_parameters(
            derived_plans(cells["normal"], cells["reduce"], config.layers),
            channels=config.channels,
            num_classes=config.num_classes,
            image_channels=config.image_shape[0],
            stem=config.stem,
        )

    def draw(self, genotype: Genotype) -> str:
        """Return both cells as one SVG."""
        return draw_genotype(self._built(genotype))

    def _genotype(self, cells: list[tuple[LabelledEdge, ...]]) -> CellGenotype:
        concat = tuple(self._targets)
        ordered = (tuple(sorted(edges, key=lambda edge: (edge[2], edge[1]))) for edges in cells)
        return CellGenotype(self.name, tuple((name, Cell(edges, concat)) for name, edges in zip(CELLS, ordered)))

    def _built(self, genotype: Genotype, argument: str = "genotype") -> CellGenotype:
        return check_genotype(genotype, space=self.name, cells=CELLS, inputs=len(INPUTS), argument=argument)

    def _searched(self, genotype: Genotype) -> CellGenotype:
        cells = self._built(genotype)
        for name in CELLS:
            edges, argument = cells[name].edges, f"genotype, {name} cell"
            check_operations((edge[0] for edge in edges), self.operations, argument=argument)
            if cells[name].concat != tuple(self._targets):
                expected = f"all nodes {self._targets[0]} to {self._targets[-1]} joined"
                refuse(argument, expected=expected, got=cells[name].concat, remedy="it can be built but not searched")
            if len({edge[1:] for edge in edges}) != len(edges):
                refuse(argument, expected="one edge between two nodes", got="several")
        return cells

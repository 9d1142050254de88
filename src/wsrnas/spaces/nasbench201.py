"""The NAS-Bench-201 space: one cell of four nodes and six edges, 15,625 genotypes (Dong and Yang, ICLR 2020)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import nn

from wsrnas.errors import refuse
from wsrnas.networks.cells.cell_size import staged_parameters
from wsrnas.networks.cells.cells import LabelledEdge, live_edges
from wsrnas.networks.cells.nasbench201 import CELL_OPERATIONS, OUTPUT, DagCell, staged_network
from wsrnas.networks.cells.operations import DERIVED, make_operation
from wsrnas.spaces.base import NetworkConfig, SuperNetwork
from wsrnas.spaces.canonical import canonical_expression
from wsrnas.spaces.cells import CellSpace, Edge
from wsrnas.spaces.checks import check_arch_weights, check_genotype, check_operations
from wsrnas.spaces.draw import draw_genotype
from wsrnas.spaces.genotype import Cell, CellGenotype, Genotype
from wsrnas.spaces.nasbench201_network import NasBench201SuperNetwork
from wsrnas.spaces.parse import parse_nasbench201
from wsrnas.types import Choice, Encoding

WIRING = tuple((source, target) for target in range(1, OUTPUT + 1) for source in range(target))
CELL = "cell"


@dataclass(frozen=True, kw_only=True)
class NasBench201Space(CellSpace):
    """Every one of the six edges carries one of the operations, `none` included; all cells are alike."""

    name: ClassVar[str] = "nb201"
    operations: tuple[str, ...] = field(default=CELL_OPERATIONS, init=False)
    edges: tuple[Edge, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(Edge(CELL, source, target) for source, target in WIRING))

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The last node."""
        return {CELL: (OUTPUT,)}

    def sample(self, generator: torch.Generator) -> Genotype:
        """Draw an operation per edge, uniformly over all 15,625 genotypes."""
        return self.at(tuple(torch.randint(self.num_operations, (self.num_edges,), generator=generator).tolist()))

    def at(self, choice: Choice) -> Genotype:
        """Return the genotype with the given operation on each edge."""
        edges = tuple((self.operations[k], *pair) for k, pair in zip(choice, WIRING))
        return CellGenotype(self.name, ((CELL, Cell(edges, (OUTPUT,))),))

    def mutate(self, genotype: Genotype, generator: torch.Generator) -> Genotype:
        """Return one of the neighbours, drawn uniformly."""
        neighbours = self.neighbours(genotype)
        return neighbours[int(torch.randint(len(neighbours), (1,), generator=generator))]

    def neighbours(self, genotype: Genotype) -> list[Genotype]:
        """Return the 24 genotypes with another operation on one edge."""
        choice = self.choice(genotype)
        return [
            self.at((*choice[:row], k, *choice[row + 1 :]))
            for row in range(self.num_edges)
            for k in range(self.num_operations)
            if k != choice[row]
        ]

    def choice(self, genotype: Genotype) -> Choice:
        """Return the operation on each of the six edges."""
        cell = self._cell(genotype)
        chosen = {(source, target): operation for operation, source, target in cell.edges}
        return tuple(self.operations.index(chosen[pair]) for pair in WIRING)

    def decode(self, alpha: Encoding) -> Genotype:
        """Derive the genotype: on each edge the operation with the largest weight, `none` included."""
        check_arch_weights(alpha, self.num_edges, self.num_operations)
        return self.at(tuple(alpha.detach().argmax(dim=1).tolist()))

    def canonical(self, genotype: Genotype) -> str:
        """Return the string by which the benchmark tells architectures apart: skip is identity, `none` a cut."""
        return canonical_expression(self._cell(genotype).edges, OUTPUT)

    def parse(self, text: str) -> Genotype:
        """Read `|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|none~1|none~2|`."""
        return parse_nasbench201(text)

    def text(self, genotype: Genotype) -> str:
        """Return the benchmark's own notation, which `parse` reads."""
        names = {(source, target): self.operations[k] for k, (source, target) in zip(self.choice(genotype), WIRING)}
        nodes = ("".join(f"|{names[i, node]}~{i}" for i in range(node)) + "|" for node in range(1, OUTPUT + 1))
        return "+".join(nodes)

    def check(self, genotype: Genotype, *, argument: str = "genotype") -> None:
        """Refuse what is not one known operation on each of the six edges."""
        self._cell(genotype, argument=argument)

    def supernet(self, config: NetworkConfig) -> SuperNetwork:
        """Build the super-network; draw its weights inside `rng.fixed_global_seed`."""
        self._check_stem(config)
        return NasBench201SuperNetwork(self.operations, WIRING, config)

    def build(self, genotype: Genotype, config: NetworkConfig) -> nn.Module:
        """Build the stand-alone network of a genotype; operations that cannot change the output are not built."""
        live = self._live(genotype)
        self._check_stem(config)

        def make_cell(channels: int) -> DagCell:
            return DagCell(
                [(make_operation(name, channels, 1, DERIVED), source, target) for name, source, target in live]
            )

        return staged_network(
            make_cell,
            channels=config.channels,
            layers=config.layers,
            num_classes=config.num_classes,
            image_channels=config.image_shape[0],
            mean=config.mean,
            std=config.std,
            batch_norm=DERIVED,
        )

    def parameters(self, genotype: Genotype, config: NetworkConfig) -> int:
        """Return how many weights the stand-alone network has, without building it."""
        self._check_stem(config)
        return staged_parameters(
            (edge[0] for edge in self._live(genotype)),
            channels=config.channels,
            layers=config.layers,
            num_classes=config.num_classes,
            image_channels=config.image_shape[0],
        )

    def draw(self, genotype: Genotype) -> str:
        """Return the cell as SVG."""
        return draw_genotype(CellGenotype(self.name, ((CELL, self._cell(genotype)),)))

    def _live(self, genotype: Genotype) -> list[LabelledEdge]:
        edges = self._cell(genotype).edges
        return [edges[i] for i in live_edges(edges, (OUTPUT,), inputs=(0,))]

    def _check_stem(self, config: NetworkConfig) -> None:
        if config.stem != "cifar":
            refuse("stem", expected="'cifar', the only one of this space", got=repr(config.stem))

    def _cell(self, genotype: Genotype, argument: str = "genotype") -> Cell:
        cell = check_genotype(genotype, space=self.name, cells=(CELL,), inputs=1, argument=argument)[CELL]
        check_operations((edge[0] for edge in cell.edges), self.operations, argument=argument)
        pairs = sorted((source, target) for _, source, target in cell.edges)
        if pairs != sorted(WIRING) or cell.concat != (OUTPUT,):
            refuse(argument, expected="one operation on each of the six edges of four nodes", got=str(pairs))
        return cell

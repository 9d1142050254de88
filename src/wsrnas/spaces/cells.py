"""What the cell spaces share: operations on the edges of small graphs, repeated to make the network."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import NamedTuple

from wsrnas.estimators.loss.features import Features
from wsrnas.estimators.loss.paths import PathFeatures
from wsrnas.spaces.base import Decision, SearchSpace


class Edge(NamedTuple):
    """One row of A: the edge from node `source` to node `target` of a cell (0 and 1 are a DARTS cell's inputs)."""

    cell: str
    source: int
    target: int


class CellSpace(SearchSpace):
    """Every one of E edges may carry one of the same K operations."""

    operations: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    @abstractmethod
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The nodes that make up the output of each cell."""

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """One row per edge, the operations its options."""
        return tuple(Decision(f"{cell} {source}→{target}", self.operations) for cell, source, target in self.edges)

    @cached_property
    def features(self) -> Features:
        """Words and balances of the paths through the cells."""
        return PathFeatures(edges=self.edges, operations=self.operations, outputs=self.outputs)

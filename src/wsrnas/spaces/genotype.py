"""`Genotype`: an architecture as a value, with a stable id, JSON in and out; `CellGenotype` for networks of cells."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from wsrnas.errors import InputError, refuse
from wsrnas.files import read_text

SCHEMA = 1
LARGEST_NODE = 1000


class Genotype(ABC):
    """An architecture of a search space. Subclasses are frozen dataclasses: hashable and comparable.

    `payload` is the field of the JSON by which a file tells which subclass it holds.
    """

    payload: ClassVar[str]
    space: str

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Return plain values that describe the architecture, `payload` among the keys."""

    @classmethod
    @abstractmethod
    def from_content(cls, content: dict[str, Any], *, source: str) -> Genotype:
        """Read what `content` returned; names are checked by the space that uses the genotype, which knows them."""

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that depend on the content only."""
        return hashlib.sha256(json.dumps(self._tagged(), sort_keys=True).encode()).hexdigest()[:12]

    def _tagged(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "space": self.space, **self.content()}

    def to_json(self) -> str:
        """Return the genotype as indented JSON."""
        return json.dumps({**self._tagged(), "id": self.id}, indent=1)

    @staticmethod
    def from_json(text: str, *, source: str = "genotype") -> Genotype:
        """Read what `to_json` wrote.

        Raises:
            InputError: not JSON, another schema, or fields missing; names `source`.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else error
            raise InputError(f"{source}: not a genotype file (JSON expected: {reason})") from error
        kinds = [kind for kind in Genotype.__subclasses__() if isinstance(data, dict) and kind.payload in data]
        if len(kinds) != 1 or not isinstance(data.get("space"), str):
            payloads = " or ".join(repr(kind.payload) for kind in Genotype.__subclasses__())
            refuse(source, expected=f"a genotype with 'space' and {payloads}", got="other JSON")
        if data.get("schema") != SCHEMA:
            refuse(source, expected=f"genotype schema {SCHEMA}", got=data.get("schema"), remedy="upgrade wsrnas")
        return kinds[0].from_content(data, source=source)

    @staticmethod
    def load(path: Path) -> Genotype:
        """Read a genotype file."""
        if not path.is_file():
            refuse("genotype", expected="an existing file", got=str(path))
        return Genotype.from_json(read_text(path, remedy="restore the file"), source=str(path))


@dataclass(frozen=True)
class Cell:
    """The operations of one cell: (operation, source node, target node), and the nodes whose outputs are joined."""

    edges: tuple[tuple[str, int, int], ...]
    concat: tuple[int, ...]


@dataclass(frozen=True)
class CellGenotype(Genotype):
    """An architecture made of cells: the cells by name, in the space's order."""

    payload: ClassVar[str] = "cells"
    space: str
    cells: tuple[tuple[str, Cell], ...]

    def __getitem__(self, cell: str) -> Cell:
        """Return the cell of that name."""
        return dict(self.cells)[cell]

    def content(self) -> dict[str, Any]:
        """Return the edges and joined nodes of every cell, one edge a list."""
        cells = {
            name: {"edges": [list(edge) for edge in cell.edges], "concat": list(cell.concat)}
            for name, cell in self.cells
        }
        return {"cells": cells}

    @classmethod
    def from_content(cls, content: dict[str, Any], *, source: str) -> CellGenotype:
        """Read the cells; operations and edges are checked by the space."""
        try:
            cells = tuple(
                (
                    str(name),
                    Cell(
                        tuple((str(op), _node(src), _node(dst)) for op, src, dst in cell["edges"]),
                        tuple(_node(node) for node in cell["concat"]),
                    ),
                )
                for name, cell in content["cells"].items()
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{source}: expected cells with 'edges' [[operation, from, to], …] and 'concat', got {error!r}"
            ) from error
        return CellGenotype(content["space"], cells)


def _node(value: Any) -> int:
    """Return the number of a node; other numbers and text are none, and neither are thousands of nodes."""
    if type(value) is not int or not 0 <= value <= LARGEST_NODE:
        raise ValueError(f"the node {value!r}")
    return value

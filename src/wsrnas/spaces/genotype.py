"""`Genotype`: an architecture as a value, with a stable id, JSON in and out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsrnas.errors import InputError, refuse
from wsrnas.files import read_text

SCHEMA = 1
LARGEST_NODE = 1000


@dataclass(frozen=True)
class Cell:
    """The operations of one cell: (operation, source node, target node), and the nodes whose outputs are joined."""

    edges: tuple[tuple[str, int, int], ...]
    concat: tuple[int, ...]


@dataclass(frozen=True)
class Genotype:
    """An architecture of a search space: its cells by name, in the space's order. Hashable and comparable."""

    space: str
    cells: tuple[tuple[str, Cell], ...]

    def __getitem__(self, cell: str) -> Cell:
        """Return the cell of that name."""
        return dict(self.cells)[cell]

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that depend on the content only."""
        return hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()[:12]

    def _content(self) -> dict[str, Any]:
        cells = {
            name: {"edges": [list(edge) for edge in cell.edges], "concat": list(cell.concat)}
            for name, cell in self.cells
        }
        return {"schema": SCHEMA, "space": self.space, "cells": cells}

    def to_json(self) -> str:
        """Return the genotype as JSON, one edge a line."""
        return json.dumps({**self._content(), "id": self.id}, indent=1)

    @staticmethod
    def from_json(text: str, *, source: str = "genotype") -> Genotype:
        """Read what `to_json` wrote.

        Raises:
            InputError: not JSON, another schema, or fields missing; names `source`. Operations are checked by the
                space that uses the genotype, which knows them.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else error
            raise InputError(f"{source}: not a genotype file (JSON expected: {reason})") from error
        if not isinstance(data, dict) or "cells" not in data or "space" not in data:
            refuse(source, expected="a genotype with 'space' and 'cells'", got="other JSON")
        if data.get("schema") != SCHEMA:
            refuse(source, expected=f"genotype schema {SCHEMA}", got=data.get("schema"), remedy="upgrade wsrnas")
        try:
            cells = tuple(
                (
                    str(name),
                    Cell(
                        tuple((str(op), _node(src), _node(dst)) for op, src, dst in cell["edges"]),
                        tuple(_node(node) for node in cell["concat"]),
                    ),
                )
                for name, cell in data["cells"].items()
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{source}: expected cells with 'edges' [[operation, from, to], …] and 'concat', got {error!r}"
            ) from error
        return Genotype(str(data["space"]), cells)

    @staticmethod
    def load(path: Path) -> Genotype:
        """Read a genotype file."""
        if not path.is_file():
            refuse("genotype", expected="an existing file", got=str(path))
        return Genotype.from_json(read_text(path, remedy="restore the file"), source=str(path))


def _node(value: Any) -> int:
    """Return the number of a node; other numbers and text are none, and neither are thousands of nodes."""
    if type(value) is not int or not 0 <= value <= LARGEST_NODE:
        raise ValueError(f"the node {value!r}")
    return value

"""Finished trainings as a table: labels and final networks of genotypes of one size, in a small JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsrnas.errors import InputError, nearest, refuse
from wsrnas.files import read_object, write_atomic
from wsrnas.spaces.genotype import Genotype

Array = NDArray[np.float64]
TABLE = "table.json"
FEWEST = 4
"""Fewer architectures are no table."""
REMEDY = f"give the {TABLE} of a study of labels"


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelTable:
    """Labels and final accuracies of A genotypes of one size.

    Args:
        about: what was trained: space, data, sizes, epochs.
        costs: image passes of each label, see `measured.costs`.
        genotypes: the architectures.
        parameters: of each.
        multiply_adds: of each.
        losses: losses of each label on D_v by name, (A, 1+S), index 0 clean.
        accuracies: the same for accuracies, nested over strengths.
        final: accuracy of the final networks on the test set, (A, seeds, 1+S).
    """

    about: dict[str, Any]
    costs: dict[str, float]
    genotypes: tuple[Genotype, ...]
    parameters: Array
    multiply_adds: Array
    losses: dict[str, Array]
    accuracies: dict[str, Array]
    final: Array

    @cached_property
    def wide(self) -> Array:
        """Return the wide accuracy of every final network in points, (A, seeds)."""
        return np.asarray(100 * self.final[:, :, 1:].mean(axis=2))

    @cached_property
    def truth(self) -> Array:
        """Return the mean of the seeds, (A,)."""
        return np.asarray(self.wide.mean(axis=1))

    def wide_loss(self, name: str) -> Array:
        """Return the mean loss over the strengths that a label says, (A,)."""
        return np.asarray(self.losses[name][:, 1:].mean(axis=1))

    def wide_accuracy(self, name: str) -> Array:
        """Return the mean accuracy over the strengths that a label says, (A,)."""
        return np.asarray(self.accuracies[name][:, 1:].mean(axis=1))

    def epochs(self, kind: str) -> tuple[int, ...]:
        """Return for how many epochs labels of a kind, ``alone`` or ``from-shared``, were trained; ascending."""
        found = (name.rpartition("-") for name in self.losses)
        return tuple(sorted(int(count) for start, _, count in found if start == kind))

    def content(self) -> dict[str, Any]:
        """Return what `read_table` reads."""
        return {
            "about": self.about,
            "costs": self.costs,
            "architectures": [
                {
                    "genotype": json.loads(genotype.to_json()),
                    "parameters": int(self.parameters[place]),
                    "multiply_adds": int(self.multiply_adds[place]),
                    "losses": {name: rows[place].tolist() for name, rows in self.losses.items()},
                    "accuracy": {name: rows[place].tolist() for name, rows in self.accuracies.items()},
                    "final": self.final[place].tolist(),
                }
                for place, genotype in enumerate(self.genotypes)
            ],
        }


def table_of(content: dict[str, Any], *, source: str) -> LabelTable:
    """Return the table that JSON holds.

    Raises:
        InputError: fields missing, of another kind, or fewer than four architectures; names `source`.
    """
    try:
        rows = content["architectures"]
        names = list(rows[0]["losses"])
        table = LabelTable(
            about=dict(content["about"]),
            costs={name: float(cost) for name, cost in content["costs"].items()},
            genotypes=tuple(Genotype.from_json(json.dumps(row["genotype"]), source=source) for row in rows),
            parameters=_array(rows, "parameters"),
            multiply_adds=_array(rows, "multiply_adds"),
            losses={name: np.array([row["losses"][name] for row in rows], dtype=np.float64) for name in names},
            accuracies={name: np.array([row["accuracy"][name] for row in rows], dtype=np.float64) for name in names},
            final=_array(rows, "final"),
        )
        missing = {"clean", "strength", "final", *names} - set(table.costs)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{source}: expected a table of labels, got other JSON ({reason}); {REMEDY}") from error
    shapes = {rows.shape for rows in (*table.losses.values(), *table.accuracies.values())}
    if missing or len(table.final) < FEWEST or table.final.ndim != 3 or len(shapes) != 1:
        expected = "at least four architectures, each with every label, and the cost of each label"
        refuse(source, expected=expected, got="others", remedy=REMEDY)
    return table


def _array(rows: Sequence[dict[str, Any]], name: str) -> Array:
    return np.array([row[name] for row in rows], dtype=np.float64)


def shipped() -> tuple[str, ...]:
    """Return the names of the tables that come with this package."""
    folder = files("wsrnas.studies.labels").joinpath("tables")
    return tuple(sorted(one.name.removesuffix(".json") for one in folder.iterdir() if one.name.endswith(".json")))


def read_table(source: str | Path) -> LabelTable:
    """Read a table from a file or a run folder, or one that comes with this package by its name.

    Raises:
        InputError: no such file and no such name, or a file that holds something else.
    """
    path = Path(source)
    path = path / TABLE if path.is_dir() else path
    if path.is_file():
        return table_of(read_object(path, remedy=REMEDY), source=str(path))
    names = shipped()
    if str(source) not in names:
        expected = f"a file, the folder of a study of labels, or one of {', '.join(names)}"
        refuse("--from", expected=expected, got=str(source), remedy=nearest(str(source), names))
    text = files("wsrnas.studies.labels").joinpath("tables").joinpath(f"{source}.json").read_text(encoding="utf-8")
    return table_of(json.loads(text), source=str(source))


def write_table(path: Path, table: LabelTable) -> None:
    """Write a table, an architecture a line."""
    content = table.content()
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in content["architectures"])
    head = json.dumps({"about": content["about"], "costs": content["costs"]}, separators=(",", ":"))[:-1]
    write_atomic(path, f'{head},"architectures":[\n{lines}\n]}}\n')

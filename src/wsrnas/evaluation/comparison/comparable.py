"""What differs between evaluated runs, and what of it forbids to put their numbers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from wsrnas.evaluation.comparison.paper import CLASSES, DATA, SHAPE
from wsrnas.evaluation.folder.about import read_about
from wsrnas.evaluation.folder.summary import read_evaluations, same_images
from wsrnas.evaluation.result import Evaluation

UNNAMED = ("folder", "parquet")
"""Names of data that say how it is read, not what it is."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An evaluated folder: its results by protocol, and what its report says of the data."""

    name: str
    folder: Path
    results: dict[str, Evaluation]
    data: dict[str, Any]

    @property
    def main(self) -> Evaluation:
        """The result of the protocol to believe first."""
        return next(iter(self.results.values()))

    @property
    def classes(self) -> list[str]:
        """The classes by name; empty where nobody said."""
        return [str(name) for name in self.data.get("classes") or []]

    @property
    def data_name(self) -> str:
        """What the data is called; empty where nobody said."""
        return str(self.data.get("name") or "")


def read_measured(name: str, folder: Path) -> Measured:
    """Read an evaluated folder.

    Raises:
        InputError: it holds no evaluation, or a damaged one.
    """
    return Measured(name=name, folder=folder, results=read_evaluations(folder), data=read_about(folder)["data"])


def incomparable(runs: Sequence[Measured]) -> list[str]:
    """Return why numbers of these runs cannot stand side by side: other data, classes, norm, or no common protocol."""
    return _said(runs, _forbidding)


def noteworthy(runs: Sequence[Measured]) -> list[str]:
    """Return what else differs: images of the same data, their count, attacks, strengths."""
    return _said(runs, _noting)


def beside_the_paper(run: Measured) -> bool | None:
    """Tell whether a run was measured on what the paper's rows were: CIFAR-10 in Linf; None where nobody said."""
    main = run.main
    if main.norm != "Linf" or main.classes != CLASSES or run.data.get("shape", SHAPE) != SHAPE:
        return False
    return run.data_name == DATA if run.data_name else None


def _said(runs: Sequence[Measured], differing: Any) -> list[str]:
    found: list[str] = []
    for one, other in combinations(runs, 2):
        found += [f"{one.name} and {other.name}: {text}" for text in differing(one, other)]
    return found


def _forbidding(one: Measured, other: Measured) -> list[str]:
    first, second, found = one.main, other.main, []
    if first.norm != second.norm:
        found.append(f"strengths in {first.norm} and in {second.norm}")
    if not same_images(first, second):
        names = one.data_name, other.data_name
        roots = one.data.get("root"), other.data.get("root")
        if all(names) and (names[0] != names[1] or (names[0] in UNNAMED and roots[0] != roots[1])):
            shown = [f"{name} ({root})" if name in UNNAMED and root else name for name, root in zip(names, roots)]
            found.append(f"data {shown[0]} and {shown[1]}")
    if first.classes != second.classes:
        found.append(f"{first.classes} and {second.classes} classes")
    elif one.classes and other.classes and set(one.classes) != set(other.classes):
        found.append(f"classes {_some(one.classes)} and {_some(other.classes)}")
    if not set(one.results) & set(other.results):
        found.append(f"protocols {' and '.join(one.results)} and {' and '.join(other.results)}")
    return found


def _noting(one: Measured, other: Measured) -> list[str]:
    first, second, found = one.main, other.main, []
    if first.images != second.images:
        found.append(f"{first.images} and {second.images} images: differences within the intervals mean nothing")
    elif not same_images(first, second):
        found.append("other images, so no test image by image")
    if missing := set(one.results) ^ set(other.results):
        found.append(f"only one of them was measured by {', '.join(sorted(missing))}")
    if first.protocol == second.protocol and first.attacks != second.attacks:
        found.append(f"attacks {' + '.join(first.attacks)} and {' + '.join(second.attacks)}"
                     + (" with other settings" if list(first.attacks) == list(second.attacks) else ""))  # fmt: skip
    if not {*first.strengths} & {*second.strengths} - {0.0}:
        found.append("no strength in common")
    return found


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(str, names[:4]))
    return f"{shown} … ({len(names)})" if len(names) > 4 else shown

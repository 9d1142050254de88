"""The published robustness table of NAS-Bench-201, in its own file format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import InputError, nearest, refuse
from wsrnas.files import read_object
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.studies.tables.table_space import TableSpace
from wsrnas.typed import fits
from wsrnas.types import Choice

ATTACKS = {"pgd": "pgd@Linf", "apgd": "aa_apgd-ce@Linf", "square": "aa_square@Linf", "fgsm": "fgsm@Linf"}
WHERE = "download the robustness data set of Jung et al. (ICLR 2023) and give the folder that holds meta.json"


@dataclass(frozen=True, eq=False)
class RobustnessTable:
    """Losses 1 − accuracy of every distinct architecture under one attack.

    `losses` is (A, 1+S), index 0 clean, then ascending `strengths` (radii in [0,1]); `rows` maps each choice that a
    search may ask for, all 15,625 of the space or those within a limit (`size_limit.py`), to its row; `published` holds
    the table's own ids and `trained` the choices that were trained for it, row by row.
    """

    dataset: str
    attack: str
    space: SearchSpace
    rows: dict[Choice, int]
    losses: Float[Tensor, "A losses"]
    strengths: Float[Tensor, "S"]
    published: tuple[str, ...]
    trained: tuple[Choice, ...]

    def __len__(self) -> int:
        """Return the number of distinct architectures that a search may ask for."""
        return len(self.kept)

    @cached_property
    def kept(self) -> list[int]:
        """The rows that a search may ask for."""
        return sorted(set(self.rows.values()))

    def check_budget(self, queries: int) -> None:
        """Refuse a budget the table cannot serve.

        Raises:
            InputError: less than one query, or more than there are distinct architectures.
        """
        if not 1 <= queries <= len(self):
            remedy = f"the table holds {len(self)} distinct architectures"
            refuse("--queries", expected=f"between 1 and {len(self)}", got=queries, remedy=remedy)


def load_table(folder: str | Path, *, dataset: str = "cifar10", attack: str = "pgd") -> RobustnessTable:
    """Read `meta.json`, `{dataset}/clean_accuracy.json` and the accuracies of one attack.

    Source: Jung, Lukasik, Keuper, "Neural Architecture Design and Robustness: A Dataset", ICLR 2023.

    Raises:
        InputError: not such a folder, no such data set or attack in it, or files that do not agree.
    """
    root = Path(folder)
    if attack not in ATTACKS:
        refuse("attack", expected="an attack of the table", got=repr(attack), remedy=nearest(attack, tuple(ATTACKS)))
    if not (root / "meta.json").is_file():
        refuse("--data", expected="a folder with the table's meta.json", got=str(root), remedy=WHERE)
    known = tuple(sorted(path.parent.name for path in root.glob("*/clean_accuracy.json")))
    if dataset not in known:
        remedy = nearest(dataset, known) if known else WHERE
        refuse("--dataset", expected=f"a data set under {root}", got=repr(dataset), remedy=remedy)
    meta = _read(root / "meta.json")
    name = ATTACKS[attack]
    clean = _accuracies(root / dataset / "clean_accuracy.json", dataset, "clean")
    attacked = _accuracies(root / dataset / f"{name}_accuracy.json", dataset, name)
    levels = _epsilons(meta, name, root)
    space = TableSpace()
    if odd := [identity for identity in (*clean, *attacked) if not re.fullmatch("[0-9]{1,9}", identity)]:
        refuse(str(root / dataset), expected="architectures by number", got=repr(odd[0])[:80], remedy=WHERE)
    published = tuple(sorted(set(clean) & set(attacked), key=int))
    place = {identity: row for row, identity in enumerate(published)}
    rows = _rows(meta, space, place, root / "meta.json")
    accuracy = _numbers(clean, attacked, published, len(levels), root / dataset)
    kept = [i for i, level in enumerate(levels) if level < 255]
    return RobustnessTable(
        dataset=dataset,
        attack=attack,
        space=space,
        rows=rows,
        losses=(1 - accuracy[:, [0, *(i + 1 for i in kept)]]).float(),
        strengths=torch.tensor([levels[i] / 255 for i in kept]),
        published=published,
        trained=_trained(meta, space, published, root / "meta.json"),
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        remedy = "download the rest of the table, or choose an --objective whose accuracies are there"
        refuse(path.name, expected=f"a file in {path.parent}", got="none", remedy=remedy)
    return read_object(path, remedy=WHERE)


def _accuracies(path: Path, dataset: str, name: str) -> dict[str, Any]:
    try:
        found = _read(path)[dataset][name]["accuracy"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: expected '{dataset}' > '{name}' > 'accuracy', found no {error}; {WHERE}") from error
    if not isinstance(found, dict) or not found:
        refuse(path.name, expected="accuracies by architecture", got=type(found).__name__, remedy=WHERE)
    return found


def _numbers(
    clean: dict[str, Any], attacked: dict[str, Any], published: tuple[str, ...], levels: int, folder: Path
) -> Tensor:
    """Return the accuracies (architectures, 1 + levels), clean first."""
    rows = []
    for identity in published:
        row = [clean[identity], *attacked[identity]] if isinstance(attacked[identity], list) else []
        if len(row) != 1 + levels or not fits(row, list[float]) or not all(0 <= value <= 1 for value in row):
            expected = f"{levels} accuracies of architecture {identity} besides the clean one, shares of 1"
            refuse(str(folder), expected=expected, got=repr(row)[:80], remedy=WHERE)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


def _epsilons(meta: dict[str, Any], name: str, root: Path) -> list[float]:
    every = meta.get("epsilons")
    levels = every.get(name) if isinstance(every, dict) else None
    if not fits(levels, list[float]) or sorted(levels or []) != levels:
        refuse(f"{root / 'meta.json'}", expected=f"ascending 'epsilons' of {name}", got=repr(levels), remedy=WHERE)
    return [float(level) for level in levels]


def _rows(meta: dict[str, Any], space: NasBench201Space, place: dict[str, int], path: Path) -> dict[Choice, int]:
    rows: dict[Choice, int] = {}
    try:
        for entry in meta["ids"].values():
            if entry["isomorph"] in place:
                rows[space.choice(space.parse(entry["nb201-string"]))] = place[entry["isomorph"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected 'ids' with 'nb201-string' and 'isomorph', got {error!r}; {WHERE}"
        ) from error
    whole = space.num_operations**space.num_edges
    if len(rows) != whole:
        refuse(str(path), expected=f"all {whole} architectures of the space", got=len(rows), remedy=WHERE)
    return rows


def _trained(
    meta: dict[str, Any], space: NasBench201Space, published: tuple[str, ...], path: Path
) -> tuple[Choice, ...]:
    found = []
    for identity in published:
        if identity not in meta["ids"]:
            refuse(str(path), expected=f"architecture {identity}, which has accuracies", got="none", remedy=WHERE)
        found.append(space.choice(space.parse(meta["ids"][identity]["nb201-string"])))
    return tuple(found)

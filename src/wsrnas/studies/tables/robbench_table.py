"""The published table of adversarially trained NAS-Bench-201 networks, in its own file format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from wsrnas.errors import nearest, refuse
from wsrnas.studies.tables.assignment import read_assignment
from wsrnas.studies.tables.robustness_table import RobustnessTable
from wsrnas.studies.tables.table_space import TableSpace
from wsrnas.types import Choice

ACCURACIES, OPERATIONS = "NAS-RobBench-201_html.json", "ops.json"
COLUMNS = ("val_acc", "val_fgsm_3_acc", "val_pgd_3_acc", "val_fgsm_8_acc", "val_pgd_8_acc", "autoattack")
"""Of every data set: clean, FGSM and PGD at 3/255, the same at 8/255, AutoAttack at 8/255."""
ATTACKS = {
    "pgd": {"val_pgd_3_acc": 3 / 255, "val_pgd_8_acc": 8 / 255},
    "fgsm": {"val_fgsm_3_acc": 3 / 255, "val_fgsm_8_acc": 8 / 255},
    "autoattack": {"autoattack": 8 / 255},
}
DATASETS = ("cifar10", "cifar100", "imagenet")
HEADINGS = ""
"""The key of the row of the table that names its columns, ``cifar10#val_acc`` and so on."""
WHERE = "download NAS-RobBench-201 (Wu et al., ICLR 2024) again"


def load_robbench(folder: str | Path, *, dataset: str = "cifar10", attack: str = "pgd") -> RobustnessTable:
    """Read `acc={id: [6 columns a data set] or the id it is isomorphic to}` and `arch=[operations by id]`.

    The six digits of operations are those of the edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3: none, skip, 1x1, 3x3 convolution,
    average pooling. A file without headings has the columns of its data sets in the order `DATASETS`. One that lists
    distinct architectures only, no isomorphic ones, is completed by the space's own notion of the same function.

    Source: Wu et al., "Robust NAS Benchmark under Adversarial Training", ICLR 2024.

    Raises:
        InputError: no such folder, data set or attack, or files that are damaged or do not agree.
    """
    root = Path(folder)
    if attack not in ATTACKS:
        refuse("attack", expected="an attack of the table", got=repr(attack), remedy=nearest(attack, tuple(ATTACKS)))
    path = root / ACCURACIES
    content = read_assignment(path, name="acc", remedy=WHERE)
    choices = _choices(root / OPERATIONS)
    if not isinstance(content, dict) or not content:
        got = type(content).__name__ if content else "none"
        refuse(str(path), expected="accuracies by architecture", got=got, remedy=WHERE)
    entries = {identity: entry for identity, entry in content.items() if identity != HEADINGS}
    measured = {identity: entry for identity, entry in entries.items() if isinstance(entry, list)}
    headings = _headings(content.get(HEADINGS), measured, path)
    places = _places(headings, dataset, path)
    for identity, entry in entries.items():
        _check_entry(identity, entry, choices, measured, len(headings), path)
    wanted = ("val_acc", *ATTACKS[attack])
    published = tuple(sorted(measured, key=int))
    accuracy = [[measured[identity][places[column]] for column in wanted] for identity in published]
    space = TableSpace()
    return RobustnessTable(
        dataset=dataset,
        attack=attack,
        space=space,
        rows=_rows(entries, choices, published, space, path),
        losses=1 - torch.tensor(accuracy),
        strengths=torch.tensor(list(ATTACKS[attack].values())),
        published=published,
        trained=tuple(choices[identity] for identity in published),
    )


def _choices(path: Path) -> dict[str, Choice]:
    """Return the operations of every id."""
    content = read_assignment(path, name="arch", remedy=WHERE)
    named = dict(enumerate(content)) if isinstance(content, list) else content
    if not isinstance(named, dict):
        refuse(str(path), expected="operations by architecture", got=type(content).__name__, remedy=WHERE)
    space = TableSpace()
    digits = set("".join(map(str, range(space.num_operations))))
    found: dict[str, Choice] = {}
    for identity, text in named.items():
        if not (isinstance(text, str) and len(text) == space.num_edges and set(text) <= digits):
            expected = f"{space.num_edges} digits below {space.num_operations} for architecture {identity}"
            refuse(str(path), expected=expected, got=repr(text)[:80], remedy=WHERE)
        found[str(identity)] = tuple(map(int, text))
    whole = space.num_operations**space.num_edges
    if len(found) != whole or len(set(found.values())) != whole:
        got = f"{len(found)}, {len(set(found.values()))} of them distinct"
        refuse(str(path), expected=f"all {whole} architectures of the space once", got=got, remedy=WHERE)
    return found


def _headings(given: Any, measured: Mapping[str, list[Any]], path: Path) -> list[str]:
    """Return the names of the columns, those of the published order where the file says none."""
    if given is None:
        three = {len(entry) for entry in measured.values()} == {len(DATASETS) * len(COLUMNS)}
        return [f"{name}#{column}" for name in (DATASETS if three else DATASETS[:1]) for column in COLUMNS]
    if not isinstance(given, list) or not all(isinstance(name, str) and name.count("#") == 1 for name in given):
        refuse(str(path), expected="headings such as 'cifar10#val_acc'", got=repr(given)[:80], remedy=WHERE)
    if len(set(given)) != len(given):
        refuse(str(path), expected="every heading once", got=", ".join(given)[:120], remedy=WHERE)
    return given


def _places(headings: list[str], dataset: str, path: Path) -> dict[str, int]:
    """Return the place of every column of one data set."""
    known = tuple(dict.fromkeys(name.split("#")[0] for name in headings))
    prefix = next((name for name in known if name.lower() == dataset), None)
    if prefix is None and dataset == "imagenet":
        prefix = next((name for name in known if name.lower().startswith(dataset)), None)
    if prefix is None:
        refuse("--dataset", expected=f"a data set of {path.name}", got=repr(dataset), remedy=nearest(dataset, known))
    missing = [column for column in COLUMNS if f"{prefix}#{column}" not in headings]
    if missing:
        refuse(str(path), expected=f"a column {prefix}#{missing[0]}", got=", ".join(headings)[:120], remedy=WHERE)
    return {column: headings.index(f"{prefix}#{column}") for column in COLUMNS}


def _check_entry(
    identity: str, entry: Any, choices: Mapping[str, Choice], measured: Mapping[str, Any], width: int, path: Path
) -> None:
    """Refuse what is neither accuracies nor the id of an architecture that has them."""
    where = f"{path}: architecture {identity!r:.40}"
    if identity not in choices:
        refuse(where, expected=f"an architecture of {OPERATIONS}", got="an id that is not there", remedy=WHERE)
    if isinstance(entry, str):
        if entry not in measured:
            refuse(where, expected="the id of an architecture with accuracies", got=repr(entry)[:80], remedy=WHERE)
        return
    if not isinstance(entry, list):
        refuse(where, expected="a list of accuracies, or an id", got=repr(entry)[:80], remedy=WHERE)
    if len(entry) != width:
        refuse(where, expected=f"{width} accuracies", got=len(entry), remedy=WHERE)
    for value in entry:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            shown = "NaN" if isinstance(value, float) and math.isnan(value) else repr(value)[:80]
            refuse(where, expected="accuracies in [0,1]", got=shown, remedy=WHERE)


def _rows(
    entries: Mapping[str, Any],
    choices: Mapping[str, Choice],
    published: tuple[str, ...],
    space: TableSpace,
    path: Path,
) -> dict[Choice, int]:
    """Return the row of every choice; an isomorphic architecture shares one."""
    place = {identity: row for row, identity in enumerate(published)}
    keys = {identity: space.canonical(space.at(choice)) for identity, choice in choices.items()}
    pointing = any(isinstance(entry, str) for entry in entries.values())
    same = {} if pointing else {keys[identity]: place[identity] for identity in reversed(published)}
    rows: dict[Choice, int] = {}
    missing = []
    for identity, choice in choices.items():
        entry = entries.get(identity)
        if isinstance(entry, str):
            if keys[entry] != keys[identity]:
                where = f"{path}: architecture {identity!r}"
                got = f"{entry!r}, which {OPERATIONS} says is another"
                refuse(where, expected="the id of one that computes the same", got=got, remedy=WHERE)
            rows[choice] = place[entry]
        elif identity in place:
            rows[choice] = place[identity]
        elif keys[identity] in same:
            rows[choice] = same[keys[identity]]
        else:
            missing.append(identity)
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        got = f"{len(choices) - len(missing)}, without {shown}"
        refuse(str(path), expected=f"all {len(choices)} architectures of {OPERATIONS}", got=got, remedy=WHERE)
    return rows

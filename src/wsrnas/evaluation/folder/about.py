"""`eval/about.json`: what an evaluated folder is called, on which data, and a note."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from wsrnas.files import read_object
from wsrnas.typed import check_fields


class About(TypedDict):
    """What `about.json` holds."""

    name: str
    data: dict[str, Any]
    note: str


class _Data(TypedDict, total=False):
    name: str | None
    root: str | None
    shape: list[int]
    images: int
    classes: list[str] | None
    notes: list[str]


def read_about(folder: Path) -> About:
    """Read what was said of an evaluated folder; its own name and nothing else where nobody said.

    Raises:
        InputError: the file is damaged, or a value of another kind.
    """
    path, remedy = folder / "eval" / "about.json", f"run `wsrnas evaluate` on {folder} again"
    found = read_object(path, remedy=remedy)
    check_fields(found, About, source=str(path), remedy=remedy)
    check_fields(found.get("data", {}), _Data, source=f"{path}: data", remedy=remedy)
    return About(
        name=found.get("name") or folder.resolve().name, data=found.get("data", {}), note=found.get("note", "")
    )

"""Pictures without labels: files and folders, as a network in use is given them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from wsrnas.data.classes import DataClasses
from wsrnas.data.sources.folder import FolderSource
from wsrnas.data.sources.passed import Passed
from wsrnas.data.sources.walk import SUFFIXES, Walk
from wsrnas.data.text import printable
from wsrnas.errors import refuse
from wsrnas.files import is_file, is_folder

UNLABELLED = DataClasses(names=("unlabelled",), kind="words", order="the only one")


def pictures(paths: Sequence[str | Path]) -> FolderSource:
    """Return the image files that paths name: files in the order given, of folders every image below, by path.

    A file counts whatever its suffix; in folders the suffix decides, hidden files are passed over, and every file is
    read once. `notes` say what was passed over.

    Raises:
        InputError: no path, one that is not there, or a folder without images.
    """
    files: dict[Path, None] = {}
    notes: list[str] = []
    for path in map(Path, paths):
        shown = printable(str(path))[:200]
        if is_folder(path):
            found, passed = _below(path)
            notes += passed.notes(shown)
            if not found:
                remedy = f"give image files, or a folder with {', '.join(sorted(SUFFIXES))}"
                refuse("PATH", expected=f"images below {shown}", got="none", remedy=remedy)
            files |= dict.fromkeys(found)
        elif is_file(path):
            files[path] = None
        else:
            refuse("PATH", expected="an image file or a folder of images", got=shown, remedy="check the path")
    if not files:
        refuse("PATH", expected="image files or folders", got="none")
    return FolderSource(
        root=Path(),
        files=tuple(files),
        labels=torch.zeros(len(files), dtype=torch.int64),
        classes=UNLABELLED,
        title="the images given",
        notes=tuple(notes),
    )


def _below(folder: Path) -> tuple[list[Path], Passed]:
    """Return the images below a folder, and what was passed over; a link given by name is followed."""
    home = folder.resolve()
    walk = Walk(home)
    found = [folder / file.relative_to(home) for files in walk.images([home]).values() for file in files]
    return found, walk.passed

"""A folder of images in class sub-folders."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from wsrnas.data.classes import DataClasses
from wsrnas.data.decode import open_image
from wsrnas.data.sources.base import Source, word_classes
from wsrnas.data.sources.layout import find_splits
from wsrnas.data.sources.walk import SUFFIXES, Walk, sub_folders
from wsrnas.data.text import listed, printable, tidy
from wsrnas.errors import refuse

LAYOUT = "put images into class sub-folders, as in ROOT/cat/1.png or ROOT/train/cat/1.png"


@dataclass(frozen=True, eq=False)
class FolderSource(Source):
    """Image files (N) in the order of class and path."""

    root: Path
    files: tuple[Path, ...]
    labels: Int[Tensor, "N"]
    classes: DataClasses
    title: str
    notes: tuple[str, ...]

    def open(self, row: int) -> Image.Image:
        """Decode one file."""
        return open_image(self.files[row], lambda: self.describe(row))

    def describe(self, row: int) -> str:
        """Return the file's path."""
        return printable(str(self.files[row]))

    def token(self, row: int) -> str:
        """Return the file's path below the root, and its size."""
        return f"{self.files[row].relative_to(self.root).as_posix()}:{self.size(row)}"

    def size(self, row: int) -> int:
        """Return the size of the file."""
        try:
            return self.files[row].stat().st_size
        except OSError as error:
            self._refuse(row, error)

    def stored(self, row: int) -> bytes:
        """Return what the file holds."""
        try:
            return self.files[row].read_bytes()
        except OSError as error:
            self._refuse(row, error)

    def _refuse(self, row: int, error: OSError) -> NoReturn:
        got = f"one that cannot be read ({error.strerror})"
        refuse("data", expected=f"an image in {self.describe(row)}", got=got, remedy="replace or remove it")


def scan(root: Path, walk: Walk, *, may_lack: bool = False) -> FolderSource:
    """List the images of every class sub-folder, at any depth; what is passed over is kept as notes.

    With `may_lack` an empty class sub-folder is no class, rather than an error.

    Raises:
        InputError: no class sub-folder, one without images, two of one name, or splits inside of classes.
    """
    title = printable(str(root))
    folders = walk.visible(root)
    if not folders:
        got = f"images without one ({walk.passed.loose})" if walk.passed.loose else "none"
        refuse("data.root", expected=f"class sub-folders in {title}", got=got, remedy=LAYOUT)
    found = walk.images(folders)
    if not found:
        got = f"only links that lead nowhere new ({listed([printable(folder.name) for folder in folders])})"
        refuse("data.root", expected=f"class sub-folders in {title}", got=got, remedy=LAYOUT)
    for folder in found:
        _check_no_splits(folder)
    empty = [folder for folder, files in found.items() if not files]
    for folder in empty:
        if not may_lack or _instead(folder) != "none" or len(empty) == len(found):
            remedy = f"add images ({', '.join(sorted(SUFFIXES))}) or remove the folder"
            refuse("data.root", expected=f"images in {printable(str(folder))}", got=_instead(folder), remedy=remedy)
    found = {folder: files for folder, files in found.items() if files}
    names = [tidy(folder.name) for folder in found]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        refuse(
            "data.root", expected=f"one folder for each class in {title}", got=f"two named {twice[0]}", remedy=LAYOUT
        )
    classes = word_classes(names)
    position = {name: label for label, name in enumerate(classes.names)}
    ordered = sorted(zip(names, found.values()), key=lambda pair: position[pair[0]])
    labels = [position[name] for name, files in ordered for _ in files]
    return FolderSource(
        root=root,
        files=tuple(file for _, files in ordered for file in files),
        labels=torch.tensor(labels, dtype=torch.int64),
        classes=classes,
        title=title,
        notes=(*walk.passed.notes(title), *(f"{printable(str(folder))} is empty" for folder in empty)),
    )


def _check_no_splits(folder: Path) -> None:
    """Refuse a class folder that is divided itself: its test images would be trained on."""
    for roles in find_splits(inside.name for inside in sub_folders(folder)):
        if "train" in roles and len(roles) > 1:
            inside = listed([printable(name) for names in roles.values() for name in names])
            remedy = "point --data.root at it, or put the splits above the classes, as in ROOT/train/cat/1.png"
            got = f"splits in it ({inside})"
            refuse("data.root", expected=f"images of one class in {printable(str(folder))}", got=got, remedy=remedy)


def _instead(folder: Path) -> str:
    """Say what a folder without images holds."""
    kinds = Counter(os.path.splitext(file)[1].lower() for _, _, files in os.walk(folder) for file in files)
    shown = [f"{printable(kind) or 'no suffix'} {count}" for kind, count in kinds.most_common()]
    return f"none ({listed(shown, 6)})" if shown else "none"

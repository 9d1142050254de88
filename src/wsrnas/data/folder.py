"""A folder of images in class sub-folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from wsrnas.data.pixels import open_image
from wsrnas.data.source import Source, Sources
from wsrnas.errors import refuse

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".gif"))
VALIDATION_NAMES = ("val", "valid", "validation")
TEST_NAMES = ("test", *VALIDATION_NAMES)
LAYOUT = "put images into class sub-folders, as in ROOT/cat/1.png or ROOT/train/cat/1.png"


@dataclass(frozen=True, eq=False)
class FolderSource(Source):
    """Image files (N) in the order of class and path."""

    root: Path
    files: tuple[Path, ...]
    labels: Int[Tensor, "N"]
    classes: tuple[str, ...]

    def open(self, row: int) -> Image.Image:
        """Decode one file."""
        return open_image(self.files[row], lambda: self.describe(row))

    def describe(self, row: int) -> str:
        """Return the file's path."""
        return str(self.files[row])

    def token(self, row: int) -> str:
        """Return the file's path below the root, and its size."""
        path = self.files[row]
        return f"{path.relative_to(self.root).as_posix()}:{path.stat().st_size}"


def check_root(root: str) -> Path:
    """Return the folder, or refuse what is not there."""
    path = Path(root).expanduser()
    if not path.exists():
        refuse("data.root", expected="a folder or parquet file that exists", got=root, remedy="correct --data.root")
    return path


def sub_folders(folder: Path) -> list[Path]:
    """Return the visible sub-folders by name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def scan(root: Path, known: tuple[str, ...] | None = None) -> FolderSource:
    """List the images of every class sub-folder, at any depth; files with other suffixes are passed over.

    Raises:
        InputError: no class sub-folder, one without images, or one whose class is not among `known`.
    """
    folders = sub_folders(root)
    if not folders:
        refuse("data.root", expected=f"class sub-folders in {root}", got="none", remedy=LAYOUT)
    unknown = [folder.name for folder in folders if known is not None and folder.name not in known]
    if unknown:
        remedy = "the test set may hold only classes of the training set"
        refuse("data.root", expected=f"known classes in {root}", got=unknown[0], remedy=remedy)
    classes = known or tuple(folder.name for folder in folders)
    files: list[Path] = []
    labels: list[int] = []
    for folder in folders:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        if not found:
            remedy = f"add images ({', '.join(sorted(SUFFIXES))}) or remove the folder"
            refuse("data.root", expected=f"images in {folder}", got="none", remedy=remedy)
        files.extend(found)
        labels.extend([classes.index(folder.name)] * len(found))
    return FolderSource(root, tuple(files), torch.tensor(labels, dtype=torch.int64), classes)


def folder(root: Path, test_names: tuple[str, ...] = TEST_NAMES) -> Sources:
    """Read ROOT/train and, when asked for, the first of ROOT/test, val, valid and validation that exists.

    Without ROOT/train the classes are in ROOT itself, and there is no test part.
    """
    if not root.is_dir():
        refuse("data.root", expected="a folder", got=str(root), remedy=LAYOUT)
    if not (root / "train").is_dir():
        return Sources(scan(root), None)
    train = scan(root / "train")
    tests = [root / name for name in test_names if (root / name).is_dir()]
    return Sources(train, (lambda: scan(tests[0], train.classes)) if tests else None)

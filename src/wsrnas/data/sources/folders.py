"""From the root of a folder of images to its training and test part, however they are spelt."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NoReturn

from wsrnas.data.sources.base import Sources
from wsrnas.data.sources.folder import LAYOUT, FolderSource, scan
from wsrnas.data.sources.layout import TESTS, Role, find_splits, read_name
from wsrnas.data.sources.walk import SUFFIXES, Walk, has_images, is_hidden, sub_folders
from wsrnas.data.text import listed, printable, tidy
from wsrnas.errors import refuse

Splits = dict[Role, list[Path]]


def folder(
    root: Path, tests: Sequence[Role] = TESTS, *, class_names: Collection[str] = (), scored: bool = False
) -> Sources:
    """Read ROOT/train and, when asked for, the first of `tests` that there is; else classes are in ROOT itself.

    Splits are recognised by name in any spelling (Train, testing, val_set). A folder of such a name is a class where
    `class_names` names it, or where it is called train and holds images beside other classes: a vehicle.

    Args:
        root: the folder.
        tests: which splits may serve as the test set, best first.
        class_names: names that are known to be classes.
        scored: images are only to be scored, not trained on: a test part alone is enough, and class folders may be
            empty.

    Raises:
        InputError: what splits and what are classes cannot be told; the message names the folders.
    """
    if not root.is_dir():
        refuse("data.root", expected="a folder", got=printable(str(root)), remedy=LAYOUT)
    outer = Walk(root)
    folders = outer.visible(root)
    groups = find_splits(path.name for path in folders)
    if len(groups) > 1:
        every = [name for group in groups for names in group.values() for name in names]
        _refuse_splits(root, every, "point --data.root at one of several data sets")
    splits: Splits = {role: [root / name for name in names] for role, names in groups[0].items()} if groups else {}
    parts = [path for paths in splits.values() for path in paths]
    others = [path for path in folders if path not in parts]
    if not parts or _are_classes(splits, folders, class_names):
        notes = tuple(f"{printable(part.name)} in {printable(str(root))} is read as a class" for part in parts)
        return Sources(scan(root, Walk(root), may_lack=scored), None, notes=notes)
    passed = _check_others(root, splits, parts, others)
    train, test, unused = _choose(root, splits, tests)
    notes = (*outer.passed.notes(printable(str(root))), *passed, *unused)

    def read(part: Path) -> FolderSource:
        walk = Walk(root, [other for other in (train, test) if other is not None and other != part])
        return scan(_unwrapped(part), walk, may_lack=scored or part == test)

    if train is None and test is not None and scored:
        return Sources(read(test), lambda: read(test), test_only=True, notes=notes)
    if train is None:
        names = [path.name for path in parts]
        _refuse_splits(root, names, "add ROOT/train, with the images of each class in a folder of its own")
    if test is None:
        return Sources(read(train), None, notes=notes)
    if (train.name, test.name) != ("train", "test"):
        notes = (f"training set {printable(train.name)}, test set {printable(test.name)}", *notes)
    return Sources(read(train), lambda: read(test), notes=notes)


def _unwrapped(part: Path) -> Path:
    """Return the folder of the classes of a split: unpacking an archive often leaves seg_train/seg_train."""
    inside = sub_folders(part)
    if len(inside) != 1 or inside[0].is_symlink() or read_name(inside[0].name) != read_name(part.name):
        return part
    return _unwrapped(inside[0]) if sub_folders(inside[0]) else part


def _are_classes(splits: Splits, folders: list[Path], class_names: Collection[str]) -> bool:
    """Return whether folders that are named like splits are classes all the same."""
    if all(tidy(path.name) in class_names for path in folders) and (len(folders) > 1 or has_images(folders[0])):
        return True
    only = splits["train"][0] if list(splits) == ["train"] and len(splits["train"]) == 1 else None
    return only is not None and len(folders) > 1 and has_images(only) and not sub_folders(only)


def _check_others(root: Path, splits: Splits, parts: list[Path], others: list[Path]) -> tuple[str, ...]:
    """Say which folders beside the splits are passed over; refuse where they might be classes or a test set."""
    flat = [part for part in parts if has_images(part) and not sub_folders(part)]
    if not any(sub_folders(part) for part in parts):
        got = f"images without one ({listed([part.name for part in flat])})" if flat else "none"
        names = listed([printable(str(part)) for part in parts])
        remedy = LAYOUT if not others else "if they are classes themselves, say so with --data.class_names"
        refuse("data.root", expected=f"class sub-folders in {names}", got=got, remedy=remedy)
    counts = {other: _count(other) for other in others}
    if any(counts.values()) and not ("train" in splits and len(splits) > 1):
        beside = listed([f"{printable(path.name)} ({count} images)" for path, count in counts.items() if count])
        remedy = "move the folders that are no splits away, or point --data.root at the folder of the classes"
        got = f"{listed([printable(part.name) for part in parts])} beside {beside}"
        refuse("data.root", expected=f"either splits or classes in {printable(str(root))}", got=got, remedy=remedy)
    shown = listed([f"{printable(path.name)} ({count} images)" for path, count in counts.items()])
    return (f"passed over beside the splits of {printable(str(root))}: {shown}",) if counts else ()


def _choose(root: Path, splits: Splits, tests: Sequence[Role]) -> tuple[Path | None, Path | None, tuple[str, ...]]:
    """Return the folder to train on, the folder to test on, and what is said of the others."""
    for role in ("train", *tests):
        if len(splits.get(role, ())) > 1 and (
            role == "train" or not any(r in splits for r in tests[: tests.index(role)])
        ):
            _refuse_splits(root, [path.name for path in splits[role]], "keep one of them, under the name " + role)
    usable = [path for role in tests for path in splits.get(role, ()) if sub_folders(path)]
    flat = [path for role in tests for path in splits.get(role, ()) if path not in usable and has_images(path)]
    if flat and not usable:
        got, expected = "images without one", f"class sub-folders in {printable(str(flat[0]))}"
        refuse("data.root", expected=expected, got=got, remedy="sort them into folders, or move the folder away")
    train = splits["train"][0] if "train" in splits else None
    test = usable[0] if usable else None
    rest = [path for role, paths in splits.items() for path in paths if role != "train" and path != test]
    said = [f"{printable(path.name)} ({_count(path)} images) is not used" for path in rest]
    return train, test, tuple(said)


def _count(folder: Path) -> int:
    count = 0
    for _, inside, files in os.walk(folder):
        inside[:] = [name for name in inside if not is_hidden(name)]
        count += sum(os.path.splitext(name)[1].lower() in SUFFIXES and not is_hidden(name) for name in files)
    return count


def _refuse_splits(root: Path, names: list[str], remedy: str) -> NoReturn:
    got = listed([printable(name) for name in names])
    expected = f"one training set and at most one test set in {printable(str(root))}"
    refuse("data.root", expected=expected, got=got, remedy=remedy)

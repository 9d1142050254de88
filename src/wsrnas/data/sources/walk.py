"""Which files below a folder are read as images: hidden files, copies by links and other kinds are passed over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from wsrnas.data.sources.passed import Passed
from wsrnas.data.text import printable
from wsrnas.errors import refuse

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".gif")
)
SYSTEM = frozenset(
    (
        "__macosx",
        "__pycache__",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "@eadir",
        "#recycle",
    )
)
HIDDEN = (".", "~$")


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or something that an operating system leaves behind."""
    return name.startswith(HIDDEN) or name.casefold() in SYSTEM


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what a folder holds, by name.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        got = f"{printable(str(folder))} ({error.strerror})"
        refuse("data.root", expected="a folder that can be read", got=got, remedy="mend its permissions or its disk")


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def is_image(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file, or a link to one, with the suffix of an image."""
    try:
        return os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file()
    except OSError:
        return False


def sub_folders(folder: Path) -> list[Path]:
    """Return the visible sub-folders by name, linked ones too."""
    return [folder / entry.name for entry in entries(folder) if is_folder(entry) and not is_hidden(entry.name)]


def has_images(folder: Path) -> bool:
    """Return whether images lie in the folder itself."""
    return any(is_image(entry) and not is_hidden(entry.name) for entry in entries(folder))


class Walk:
    """Lists the images below several folders, each image once, whatever links lead to it.

    What is there itself comes before what links lead to; a link to a folder above, to one that is listed anyway or to
    one of `elsewhere` is passed over.
    """

    def __init__(self, home: Path, elsewhere: Iterable[Path] = ()) -> None:
        self.passed = Passed()
        self.home = home
        self.elsewhere = tuple(folder.resolve() for folder in elsewhere)
        self._folders: set[Path] = set()
        self._files: set[str] = set()
        self._links: list[tuple[Path, Path]] = []

    def images(self, tops: Iterable[Path]) -> dict[Path, list[Path]]:
        """Return the images below each folder, in order; a folder that is only a link to read ones has no entry."""
        found: dict[Path, list[Path]] = {}
        tops = list(tops)
        for top in tops:
            if top.is_symlink():
                self._links.append((top, top))
            else:
                found[top] = list(self._below(top, top.resolve(), top))
        while self._links:
            pending, self._links = sorted(self._links), []
            for link, top in pending:
                for image in self._linked(link, top):
                    found.setdefault(top, []).append(image)
        return {top: sorted(found[top]) for top in tops if top in found}

    def _below(self, folder: Path, real: Path, top: Path) -> Iterator[Path]:
        """Yield the images of a real folder and of the folders in it; links wait for later."""
        waiting = [(folder, real)]
        while waiting:
            folder, real = waiting.pop()
            if real in self._folders:
                self._copy(folder)
                continue
            self._folders.add(real)
            for entry in entries(folder):
                path = folder / entry.name
                if is_hidden(entry.name):
                    self.pass_hidden(entry)
                elif entry.is_symlink():
                    self._links.append((path, top))
                elif entry.is_dir():
                    waiting.append((path, real / entry.name))
                elif is_image(entry):
                    if self._is_new(path, os.path.join(real, entry.name)):
                        yield path
                else:
                    self.pass_other(entry)

    def _linked(self, link: Path, top: Path) -> Iterator[Path]:
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
            self.passed.broken.append(self._name(link))
            return
        if any(part in (target, *target.parents) for part in self.elsewhere):
            self._copy(link)
        elif target.is_dir():
            if target in self._folders or self._leads_up(link):
                self._copy(link)
            else:
                yield from self._below(link, target, top)
        elif target.is_file() and link.suffix.lower() in SUFFIXES:
            if self._is_new(link, str(target)):
                yield link
        else:
            self._kind(link.suffix if target.is_file() else "not a file")

    def _is_new(self, path: Path, real: str) -> bool:
        if real in self._files:
            self._copy(path)
            return False
        self._files.add(real)
        return True

    def _leads_up(self, link: Path) -> bool:
        """Return whether a link leads to a folder that it lies in, or to one above the data."""
        here, home = link.parent.resolve(), self.home.resolve()
        return link.resolve() in {here, *here.parents, home, *home.parents}

    def visible(self, folder: Path) -> list[Path]:
        """Return the visible sub-folders of a folder; what else lies there is counted."""
        folders = []
        for entry in entries(folder):
            if is_hidden(entry.name):
                self.pass_hidden(entry)
            elif entry.is_symlink() and is_folder(entry) and self._leads_up(folder / entry.name):
                self._copy(folder / entry.name)
            elif is_folder(entry):
                folders.append(folder / entry.name)
            elif is_image(entry):
                self.passed.loose += 1
            else:
                self.pass_other(entry)
        return folders

    def pass_hidden(self, entry: os.DirEntry[str]) -> None:
        """Count a hidden file, or all files of a hidden folder."""
        if entry.is_symlink() or not is_folder(entry):
            self.passed.hidden["._*" if entry.name.startswith("._") else printable(entry.name)] += 1
            return
        if count := sum(len(files) for _, _, files in os.walk(entry.path)):
            self.passed.hidden[printable(entry.name)] += count

    def pass_other(self, entry: os.DirEntry[str]) -> None:
        """Count a broken link, or by its suffix a file that is no image."""
        if entry.is_symlink() and not os.path.exists(entry.path):
            self.passed.broken.append(self._name(Path(entry.path)))
        else:
            self._kind(os.path.splitext(entry.name)[1] if entry.is_file() else "not a file")

    def _kind(self, suffix: str) -> None:
        self.passed.kinds[printable(suffix.lower()) or "no suffix"] += 1

    def _copy(self, path: Path) -> None:
        self.passed.copies.append(self._name(path))

    def _name(self, path: Path) -> str:
        return printable(os.path.relpath(path, self.home) if self.home in path.parents else str(path))

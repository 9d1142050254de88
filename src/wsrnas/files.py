"""Files that are written whole or not at all, and read back."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from wsrnas.errors import InputError, refuse

RESTORE = "restore the file, or start anew in another folder"
LARGEST = 256 * 2**20
"""Bytes of a text file that is read whole; settings have `LARGEST_SETTINGS`."""
LARGEST_SETTINGS = 2**20
MOST_VALUES = 100_000
"""Values in settings once their aliases are written out."""


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a whole file or nothing.

    Raises:
        InputError: the disk is full or the folder cannot be written; says so and that nothing was lost.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name[:50]}.{os.getpid()}.wsrnas.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise explained(error, path) from error


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically."""
    write_atomic(path, json.dumps(value, indent=1) + "\n")


def remove_leftovers(*folders: Path) -> None:
    """Remove what writes that were killed left in these folders; only whoever holds their lock may."""
    for folder in folders:
        for path in folder.glob(".*.wsrnas.tmp") if folder.is_dir() else ():
            if re.fullmatch(r"\..+\.\d+\.wsrnas\.tmp", path.name):
                path.unlink(missing_ok=True)


def is_folder(text: str | Path) -> bool:
    """Return whether text names a folder; what is longer than a name may be names none."""
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):
        return False


def is_file(text: str | Path) -> bool:
    """Return whether text names a file; what is longer than a name may be names none."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def inside(folder: Path, name: object) -> Path:
    """Return the place in a folder that a file names.

    Raises:
        InputError: it lies elsewhere, or is no name.
    """
    place = Path(name) if isinstance(name, str) and "\0" not in name else None
    if place is None or place.is_absolute() or ".." in place.parts:
        refuse(str(folder), expected="names of places inside the folder", got=repr(name)[:80], remedy=RESTORE)
    return folder / place


def read_text(path: Path, *, remedy: str = RESTORE, at_most: int = LARGEST) -> str:
    """Read UTF-8 text, with a byte-order mark or without.

    Raises:
        InputError: the file cannot be read, is larger than `at_most` bytes, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(at_most + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read ({reason}); {remedy}") from error
    if len(content) > at_most:
        refuse(str(path), expected=f"at most {at_most / 2**20:g} MiB of text", got="more", remedy=remedy)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {content[error.start]:#04x} at position {error.start}"
        raise InputError(f"{path}: cannot be read as UTF-8 text ({byte}); {remedy}") from error


def read_json(path: Path, *, remedy: str = RESTORE) -> Any | None:
    """Read JSON, or None where there is no such file.

    Raises:
        InputError: the file cannot be read or is not JSON.
    """
    return _json(read_text(path, remedy=remedy), str(path), remedy) if path.is_file() else None


def read_object(path: Path, *, remedy: str = RESTORE) -> dict[str, Any]:
    """Read a JSON object, an empty one where there is no such file.

    Raises:
        InputError: the file cannot be read, is not JSON, or is JSON of another kind.
    """
    if not path.is_file():
        return {}
    value = read_json(path, remedy=remedy)
    if not isinstance(value, dict):
        refuse(str(path), expected="a JSON object", got=type(value).__name__, remedy=remedy)
    return value


def read_lines(path: Path, *, remedy: str = RESTORE) -> list[dict[str, Any]]:
    """Read a .jsonl file; an unfinished last line, left by a kill, is not a line.

    Raises:
        InputError: the file cannot be read, or a line of it is no JSON object; names the line.
    """
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(read_text(path, remedy=remedy).split("\n")[:-1], start=1):
        value = _json(line, f"{path}: line {number}", remedy)
        if not isinstance(value, dict):
            refuse(f"{path}: line {number}", expected="a JSON object", got=type(value).__name__, remedy=remedy)
        found.append(value)
    return found


def _json(text: str, source: str, remedy: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise InputError(f"{source}: damaged (nested too deeply); {remedy}") from error
    except ValueError as error:
        raise InputError(f"{source}: damaged ({error}); {remedy}") from error


def read_settings(path: Path, *, remedy: str = RESTORE) -> dict[str, Any]:
    """Read a YAML mapping of settings; nothing in it is executed.

    Raises:
        InputError: the file cannot be read, is not plain YAML, no mapping, or a few lines that stand for very much.
    """
    return parse_settings(read_text(path, remedy=remedy, at_most=LARGEST_SETTINGS), source=str(path), remedy=remedy)


def parse_settings(text: str, *, source: str, remedy: str = RESTORE) -> dict[Any, Any]:
    """Return the YAML mapping that a text holds; raises what `read_settings` raises."""
    value = parse_value(text, source=source, remedy=remedy)
    if not isinstance(value, dict):
        refuse(source, expected="settings as a YAML mapping", got=value, remedy=remedy)
    return value


def parse_value(text: str, *, source: str, remedy: str = "") -> Any:
    """Return what a YAML text holds; nothing in it is executed.

    Raises:
        InputError: it is not plain YAML, or a few lines that stand for very much.
    """
    end = f"; {remedy}" if remedy else ""
    try:
        value = yaml.safe_load(text)
        count = _values(value)
    except RecursionError as error:
        raise InputError(f"{source}: not YAML (nested too deeply){end}") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:  # the latter from odd dates and tags
        raise InputError(f"{source}: not YAML ({' '.join(str(error).split())}){end}") from error
    if count > MOST_VALUES:
        refuse(source, expected=f"at most {MOST_VALUES:,} settings", got="more, through aliases", remedy=remedy)
    return value


def _values(value: Any, count: int = 0) -> int:
    """Return how many values there are with aliases written out; stops counting above `MOST_VALUES`."""
    if isinstance(value, (dict, list, tuple, set)):
        for item in (*value.keys(), *value.values()) if isinstance(value, dict) else value:
            if count > MOST_VALUES:
                break
            count = _values(item, count)
    return count + 1


def check_writable(file: str | Path | None, *, argument: str) -> None:
    """Refuse a file that could not be written at the end, before the work begins; None asks for none.

    Raises:
        InputError: a folder of that name, or a parent that cannot be made or written to.
    """
    if file is None:
        return
    path = Path(file)
    if path.is_dir():
        refuse(argument, expected="the name of a file", got=f"{path}, a folder", remedy="add a file name to it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse(argument, expected="a place that can be written", got=f"{path} ({error.strerror})")
    if not os.access(path.parent, os.W_OK):
        refuse(argument, expected="a place that can be written", got=f"{path} (no permission)")


def explained(error: OSError, path: Path) -> InputError:
    """Return what a failed write means to the user: a full disk, or no permission."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(
            f"{path}: the disk is full; what was written before is intact: free some space and run the same command "
            "again to go on from the last checkpoint"
        )
    return InputError(f"{path}: cannot be written ({error.strerror}); choose another --out or mend its permissions")

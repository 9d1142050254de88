"""Files that are written whole or not at all, and read back."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import Any

from wsrnas.errors import InputError, refuse


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a whole file or nothing.

    Raises:
        InputError: the disk is full or the folder cannot be written; says so and that nothing was lost.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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


def read_json(path: Path) -> Any | None:
    """Read JSON, or None where there is no such file."""
    return json.loads(path.read_text()) if path.is_file() else None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a .jsonl file; an unfinished last line, left by a kill, is not a line."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


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

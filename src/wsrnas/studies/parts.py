"""Finished parts of a study: each is one file, made once, so that a study goes on where it stopped."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import torch

from wsrnas.errors import InputError
from wsrnas.files import write_atomic
from wsrnas.runs import RunFolder


def _path(folder: Path, name: str) -> Path:
    return folder / "checkpoints" / f"{name}.pt"


def save(run: RunFolder, name: str, state: dict[str, Any]) -> None:
    """Write a finished part, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomic(_path(run.path, name), buffer.getvalue())


def load(run: RunFolder, name: str) -> dict[str, Any] | None:
    """Return a finished part, or None where it is still to do.

    Raises:
        InputError: the file is damaged; removing it makes the part again.
    """
    return load_from(run.path, name)


def load_from(folder: Path, name: str) -> dict[str, Any] | None:
    """Return a finished part of the run in a folder, which another process may hold; see `load`."""
    path = _path(folder, name)
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}); rm {path} makes this part again") from error
    return state


def without_nan(value: Any) -> Any:
    """Return the same JSON with null for what is undefined: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value

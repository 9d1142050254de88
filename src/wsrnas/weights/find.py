"""Where weights are, and what lies beside them about the network that they belong to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from wsrnas.errors import InputError, refuse
from wsrnas.files import is_file, is_folder, read_object
from wsrnas.weights.hub import CONFIG, WEIGHTS, fetch, is_hub_id
from wsrnas.weights.shipped import shipped, shipped_folder

KEY = "wsrnas"
"""Under which an exported file says what network it holds."""
RUN = "network.json"
REMEDY = "restore the file, or export it again"
FORMS = f"a .safetensors or .pt file, a folder with {WEIGHTS}, a network that comes with wsrnas, or user/name of a hub"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A file of tensors; `described` says how to build the network, None where the file is all there is."""

    file: Path
    described: dict[str, Any] | None
    source: str


def is_weights(spec: str) -> bool:
    """Return whether a text names weights that say themselves what network they belong to, here or on a hub."""
    path = Path(spec)
    if is_folder(spec):
        return is_file(path / CONFIG) and not is_file(path / RUN)
    return (is_file(spec) and path.suffix == ".safetensors") or shipped_folder(spec) is not None or is_hub_id(spec)


def find_weights(spec: str | Path, *, argument: str = "--weights") -> Weights:
    """Return the weights that a path, a shipped name or a hub's ``user/name`` stands for; local files come first.

    Raises:
        InputError: nothing of that name, or a description that is damaged.
    """
    text, path = str(spec), Path(spec)
    if is_file(path):
        return Weights(file=path, described=_metadata(path), source=text)
    if is_folder(path):
        return _folder(path, text, argument)
    if (folder := shipped_folder(text)) is not None:
        return _folder(folder, text, argument)
    if is_hub_id(text) and path.suffix not in (".safetensors", ".pt", ".pth", ".onnx"):
        return _folder(fetch(text, argument=argument), text, argument)
    remedy = f"check the path; with wsrnas come {', '.join(shipped())}" if shipped() else "check the path"
    refuse(argument, expected=FORMS, got=text[:200], remedy=remedy)


def _folder(folder: Path, source: str, argument: str) -> Weights:
    names = [name for name in (RUN, CONFIG) if is_file(folder / name)]
    if not names or not is_file(folder / WEIGHTS):
        refuse(argument, expected=f"a folder with {WEIGHTS} and {RUN} or {CONFIG}", got=source)
    described = read_object(folder / names[0], remedy=REMEDY)
    if names[0] == CONFIG:
        described = checked(described.get("described"), source=str(folder / CONFIG))
    return Weights(file=folder / WEIGHTS, described=described, source=source)


def checked(described: Any, *, source: str) -> dict[str, Any]:
    """Return the description of a network, or refuse what is none."""
    if not isinstance(described, dict):
        remedy = "it was not made by `wsrnas export` or `wsrnas push`"
        refuse(source, expected="the description of a network", got=type(described).__name__, remedy=remedy)
    return described


def parsed(text: str, *, source: str) -> dict[str, Any]:
    """Return the description of a network that a file's metadata holds as JSON text."""
    try:
        return checked(json.loads(text), source=source)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{source}: damaged ({error}); {REMEDY}") from error


def _metadata(path: Path) -> dict[str, Any] | None:
    """Return the description in a file's header; None for files of tensors alone."""
    with path.open("rb") as file:
        if file.read(9)[8:] != b"{":
            return None
    try:
        with safe_open(path, framework="pt") as tensors:
            text = (tensors.metadata() or {}).get(KEY)
    except SafetensorError as error:
        raise InputError(f"{path}: damaged ({error}); {REMEDY}") from error
    return None if text is None else parsed(text, source=str(path))

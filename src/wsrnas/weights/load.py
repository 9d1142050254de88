"""Weights from a file: tensors only, and those of the network alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from wsrnas.errors import InputError, refuse
from wsrnas.files import is_file
from wsrnas.weights.wrappers import Found, fitting

WHOLE_MODELS = "save model.state_dict() (torch.save or safetensors); whole pickled models are not loaded, they run code"
DEEPEST = 4


def load_weights(model: nn.Module, path: Path) -> str:
    """Load a state dict and return what was taken off it to make it fit, in one sentence; nothing where it fitted.

    Keys that a state dict lies under (``state_dict``, ``net``, ``ema``, …) and prefixes that wrappers leave
    (``module.``, ``_orig_mod.``, ``model.``, …) are taken off; floating-point tensors are cast to the network's type.

    Raises:
        InputError: no such file, not a state dict of tensors, or one of another network (names what differs).
    """
    if not is_file(path):
        refuse("--weights", expected="an existing .safetensors or .pt file", got=str(path)[:200])
    wanted = dict(model.state_dict())
    found = fitting(wanted, list(_states(_read(path))), source=str(path))
    state, casts = _cast(found, wanted, path)
    with torch.no_grad():
        model.load_state_dict(state, strict=False)
    said = [*found.said, *casts]
    return f"Weights from {path.name}: {'; '.join(said)}." if said else ""


def _read(path: Path) -> Any:
    """Return what a file holds, in nested mappings of tensors; the format is told by content, not by name."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
        _refuse_text(start, path)
        return load_file(path) if start[8:9] == b"{" and start[:2] != b"PK" else _pickled(path)
    except (SafetensorError, RuntimeError, OSError, EOFError) as error:
        raise InputError(f"--weights: {path} is damaged or of another format ({error}); write it again") from error


def _refuse_text(start: bytes, path: Path) -> None:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"version https://git-lfs"):
        remedy = "fetch the file itself with `git lfs pull`"
        refuse("--weights", expected="a file of tensors", got=f"{path}, a git-lfs pointer to one", remedy=remedy)
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        remedy = "download the file itself, by the link that the page has for it"
        refuse("--weights", expected="a file of tensors", got=f"{path}, a web page", remedy=remedy)
    if not start:
        refuse("--weights", expected="a file of tensors", got=f"{path}, an empty file", remedy="write it again")


def _pickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever reading another's file raises
        inside = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"holds more than tensors ({inside[1]})" if inside else "holds more than tensors or is damaged"
        raise InputError(f"--weights: {path} {what}; {WHOLE_MODELS}") from error


def _states(loaded: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """Yield every mapping with tensors in it and the keys that lead there, outermost first."""
    if not isinstance(loaded, dict) or len(where) > DEEPEST:
        return
    tensors = {name: one for name, one in loaded.items() if isinstance(name, str) and isinstance(one, Tensor)}
    if tensors:
        yield where, tensors
    for name, inner in loaded.items():
        yield from _states(inner, (*where, str(name)))


def _cast(found: Found, wanted: dict[str, Tensor], path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Return tensors of the network's own types, and what was cast, in words."""
    state: dict[str, Tensor] = {}
    casts: dict[str, None] = {}
    for name, tensor in found.state.items():
        own, came = wanted[name].dtype, tensor.dtype
        if came == own:
            state[name] = tensor
            continue
        moved = tensor.to(own) if own.is_floating_point == came.is_floating_point and not came.is_complex else None
        if moved is None and tensor.numel() and not came.is_complex and torch.equal(tensor, tensor.round()):
            moved = tensor.to(own) if tensor.ndim == 0 else None  # a counter kept as another kind of number
        if moved is None or bool((moved.isfinite() != tensor.isfinite()).any()):
            got = f"{name} as {_short(came)} in {path}"
            remedy = "save the weights in the network's own type"
            refuse("--weights", expected=f"tensors that {_short(own)} holds", got=got, remedy=remedy)
        state[name] = moved
        if tensor.ndim:
            casts[f"{_short(came)} cast to {_short(own)}"] = None
    return state, list(casts)


def _short(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")

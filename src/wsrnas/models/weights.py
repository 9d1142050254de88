"""Weights from a file: tensors only, and those of the network alone."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from wsrnas.errors import InputError, refuse


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a state dict; a `module.` prefix left by data-parallel training is taken off.

    Raises:
        InputError: no such file, not a state dict of tensors, or one of another network (names what differs).
    """
    if not path.is_file():
        refuse("--weights", expected="an existing .safetensors or .pt file", got=str(path))
    try:
        loaded = load_file(path) if path.suffix == ".safetensors" else _pickled(path)
    except (SafetensorError, RuntimeError, OSError, EOFError) as error:
        raise InputError(f"--weights: {path} is damaged or of another format ({error}); write it again") from error
    state = {name.removeprefix("module."): tensor for name, tensor in loaded.items()}
    wanted = model.state_dict()
    missing, extra = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    shapes = [name for name in wanted if name in state and wanted[name].shape != state[name].shape]
    differences = [
        f"{word} {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
        for word, names in (("missing", missing), ("not in the network", extra), ("another shape", shapes))
        if names
    ]
    if differences:
        remedy = "the file belongs to a network of another kind or size"
        refuse("--weights", expected="the network's own tensors", got="; ".join(differences), remedy=remedy)
    model.load_state_dict(state)


def _pickled(path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        remedy = (
            "save model.state_dict() (torch.save or safetensors); whole pickled models are not loaded, they run code"
        )
        raise InputError(f"--weights: {path} holds more than tensors or is damaged; {remedy}") from error
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(v, Tensor) for v in loaded.values()):
        refuse("--weights", expected="a state dict of tensors", got=str(path), remedy="save model.state_dict()")
    return loaded

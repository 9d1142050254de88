"""Any classifier by name: a run folder, `package.module:callable`, an ONNX file, or a name somebody else knows."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from wsrnas.errors import InputError, refuse
from wsrnas.evaluation.lock import as_module
from wsrnas.evaluation.onnx_model import OnnxModel
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.genotype import Genotype

Resolver: TypeAlias = Callable[..., nn.Module]
"""Called with a name and, for networks in run folders, the settings they were built with; `zoo.create` is one."""

FORMS = "a run folder, package.module:callable, a .onnx file or a zoo name"


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedModel:
    """A classifier ready to be evaluated, in eval mode, and what to say about it."""

    model: nn.Module
    name: str
    differentiable: bool = True
    note: str = ""


def load_model(spec: str, *, weights: str | Path | None = None, resolver: Resolver | None = None) -> LoadedModel:
    """Load a classifier.

    Args:
        spec: a run folder (`network.json` and `model.safetensors`), ``package.module:callable``, a ``.onnx`` file, or
            a name for `resolver`.
        weights: a .safetensors or .pt file with a state dict; only tensors are read from it.
        resolver: builds networks known by name.

    Raises:
        InputError: nothing of that form, a file that is missing or damaged, or weights of another network.
    """
    path = Path(spec)
    if path.is_dir():
        return LoadedModel(model=load_run(path, weights=weights, resolver=resolver), name=path.name or str(path))
    if path.suffix == ".onnx":
        if weights is not None:
            refuse("--weights", expected="none with an ONNX file, which holds them", got=str(weights))
        note = "An ONNX file gives no gradients: only gradient-free attacks apply, so its robustness is overestimated."
        return LoadedModel(model=OnnxModel(path), name=path.stem, differentiable=False, note=note)
    if ":" in spec:
        model = _from_python(spec)
    elif resolver is None or path.suffix or "/" in spec:
        remedy = "check the path" if path.suffix or "/" in spec else ""
        refuse("model", expected=FORMS, got=spec, remedy=remedy)
    else:
        model = resolver(spec)
    if weights is not None:
        load_weights(model, Path(weights))
    note = "" if weights is not None or ":" in spec else "No --weights were given: the network has random weights."
    return LoadedModel(model=model.eval(), name=spec.rsplit(":", 1)[-1], note=note)


def load_run(path: Path, *, weights: str | Path | None = None, resolver: Resolver | None = None) -> nn.Module:
    """Build the network of a run folder from `network.json` and load `model.safetensors` (or `weights`) into it."""
    description = path / "network.json"
    if not description.is_file():
        remedy = "is it a finished `wsrnas train` run? A search run has a genotype but no trained network"
        refuse("run", expected="a folder with network.json", got=str(path), remedy=remedy)
    try:
        network = json.loads(description.read_text())
        kind, config = network["kind"], dict(network["config"])
        if kind == "zoo":
            if resolver is None:
                refuse("run", expected="a network this call can build", got=f"{network['name']}, a zoo network")
            model = resolver(network["name"], **config)
        elif kind == "genotype":
            genotype = Genotype.from_json(json.dumps(network["genotype"]), source=str(description))
            model = get_space(genotype.space).build(genotype, network_config(config))
        else:
            refuse(str(description), expected="kind 'genotype' or 'zoo'", got=kind, remedy="upgrade wsrnas")
    except (json.JSONDecodeError, KeyError) as error:
        raise InputError(f"{description}: damaged ({error!r}); restore it or train again") from error
    load_weights(model, Path(weights) if weights is not None else path / "model.safetensors")
    return model.eval()


def network_config(values: dict[str, Any]) -> NetworkConfig:
    """Read a `NetworkConfig` from JSON, where tuples became lists."""
    known = {field.name for field in fields(NetworkConfig)}
    if unknown := sorted(set(values) - known):
        refuse("network.json", expected=f"settings among {', '.join(sorted(known))}", got=", ".join(unknown))
    tuples: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return NetworkConfig(**tuples)


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


def _from_python(spec: str) -> nn.Module:
    module_name, _, attribute = spec.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        remedy = "give an importable package.module, installed or in the current folder"
        raise InputError(f"model: cannot import {module_name} ({error}); {remedy}") from error
    finally:
        sys.path.remove(here)
    found = getattr(module, attribute, None)
    if found is None:
        refuse("model", expected=f"something named {attribute!r} in {module_name}", got="none")
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        refuse("model", expected=f"{spec} to be a module or a function that builds one", got=type(found).__name__)
    try:
        built = found()
    except InputError:
        raise
    except Exception as error:  # whatever a user's own function raises
        remedy = "give a function that builds the network without arguments"
        raise InputError(f"model: {spec}() failed with {type(error).__name__}: {error}; {remedy}") from error
    return as_module(built)

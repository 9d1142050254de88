"""Recipes: YAML files that say everything about a run. Shipped ones go by name, others by path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from wsrnas.errors import InputError, nearest, refuse

Command = Literal["search", "train"]

PRESETS: dict[str, dict[str, Any]] = {
    "ours": {},
    "paper": {
        "spectrum": {"attacked": 3, "attacked_at": "first"},
        "training": {"step_ratio": 2.5 / 20},
        "noise_estimator": {
            "name": "a-ane",
            "settings": {},
            "examples": "printed",
            "fidelity_bound": 0.0,
        },
        "strategy": {
            "name": "wsr-nas",
            "settings": {
                "design": "random",
                "sampling": "all-edges",
                "method": "gradient",
                "memory": 100,
                "loss_estimator": "lstm",
                "loss_estimator_settings": {"form": "printed"},
            },
        },
        "finalists": {"count": 1, "epochs": 0},
    },
}
"""What a preset changes in the defaults of `SearchConfig`; a recipe and the command line have the last word."""

PART_SETTINGS: dict[str, dict[str, dict[str, dict[str, Any]]]] = {
    "paper": {
        "noise_estimator": {
            "weighted-average": {"weights": "paper"},
            "a-ane": {"form": "printed"},
            "e-ane": {"form": "printed"},
            "e-ane-minus": {"form": "printed"},
            "plus-ane": {"form": "printed"},
        }
    }
}
"""What a preset sets of a part that a recipe or the command line names in place of its own, by preset and part."""


def names(command: Command) -> list[str]:
    """Return the shipped recipes of a command."""
    folder = resources.files(__package__) / command
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def load(command: Command, name: str) -> dict[str, Any]:
    """Return a recipe as nested settings.

    Raises:
        InputError: no such recipe (suggests the nearest), or a file that is not a YAML mapping.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            refuse("--recipe", expected="an existing YAML file", got=name)
        text = path.read_text()
    elif name in names(command):
        text = (resources.files(__package__) / command / f"{name}.yaml").read_text()
    else:
        refuse("--recipe", expected="a recipe or a .yaml file", got=name, remedy=nearest(name, names(command)))
    try:
        settings = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--recipe: {name} is not YAML: {error}") from error
    if not isinstance(settings, dict):
        refuse("--recipe", expected="a mapping of settings", got=f"{type(settings).__name__} in {name}")
    return settings


def settings_of(command: Command, name: str) -> dict[str, Any]:
    """Return the settings of a recipe that a run names, nothing where that recipe is a file that is gone."""
    if name.endswith((".yaml", ".yml")) and not Path(name).is_file():
        return {}
    return load(command, name) if name.endswith((".yaml", ".yml")) or name in names(command) else {}


def of_preset(preset: str, *layers: dict[str, Any]) -> dict[str, Any]:
    """Return what a preset changes in the defaults, its parts being those that the layers over it name."""
    found = merged(PRESETS[preset])
    for part, settings in PART_SETTINGS.get(preset, {}).items():
        name = merged(found, *layers)[part]["name"]
        found = merged(found, {part: {"name": name, "settings": settings.get(name, {})}})
    return found


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Merge nested settings, later layers winning; a list is replaced as a whole.

    A part (``{name, settings}``, or its name alone) that is another than the one before starts without its settings;
    so does a part ``key`` whose settings are the ``key_settings`` beside it.
    """
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            before = result.get(key)
            if isinstance(before, dict) and "settings" in before and isinstance(value, str):
                value = {"name": value}
            if isinstance(value, dict) and isinstance(before, dict):
                if "name" in value and value["name"] != before.get("name", value["name"]):
                    before = {inner: kept for inner, kept in before.items() if inner != "settings"}
                result[key] = merged(before, value)
            else:
                if before is not None and before != value and f"{key}_settings" not in layer:
                    result.pop(f"{key}_settings", None)
                result[key] = merged(value) if isinstance(value, dict) else value
    return result


def describe(command: Command, name: str) -> str:
    """Return the comment that a shipped recipe begins with, as one paragraph."""
    text = (resources.files(__package__) / command / f"{name}.yaml").read_text()
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(lines)

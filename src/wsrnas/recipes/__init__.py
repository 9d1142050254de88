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
        "weights": {"step_ratio": 2.5 / 20},
        "noise": {"estimator": "a-ane", "settings": {"form": "printed"}, "examples": "printed", "fidelity_bound": 0.0},
        "loss": {"estimator": "lstm", "settings": {"form": "printed"}, "memory": 100},
        "choose": {
            "design": "random",
            "sampling": "all-edges",
            "method": "gradient",
            "finalists": 1,
            "audition": 0,
        },
    },
}
"""What a preset changes in the defaults of `SearchConfig`; a recipe and the command line have the last word."""

PART_NAMES = ("estimator", "name")
"""Keys that name the part a `settings` mapping beside them is for."""


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


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Merge nested settings, later layers winning; a list or a `settings` mapping is replaced as a whole.

    A `settings` mapping belongs to the part named beside it: a layer that names another part leaves it behind.
    """
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            before = result.get(key)
            if isinstance(value, dict) and isinstance(before, dict) and key != "settings":
                if any(name in value and value[name] != before.get(name) for name in PART_NAMES):
                    before = {name: kept for name, kept in before.items() if name != "settings"}
                result[key] = merged(before, value)
            else:
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

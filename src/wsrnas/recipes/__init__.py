"""Recipes: YAML files that say everything about a run. Shipped ones go by name, others by path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

from wsrnas.errors import nearest, refuse
from wsrnas.files import LARGEST_SETTINGS, is_file, parse_settings, read_text

Command = Literal["search", "train"]
REMEDY = "mend the file, or start from one that `wsrnas recipes` lists"

PRESETS: dict[str, dict[str, Any]] = {
    "ours": {},
    "paper": {
        "spectrum": {"attacked": 3, "attacked_at": "first"},
        "noise_estimator": {"name": "a-ane", "fidelity_bound": 0.0},
        "strategy": {
            "name": "wsr-nas",
            "settings": {
                "design": "random",
                "sampling": "all-edges",
                "method": "gradient",
                "memory": 100,
                "loss_estimator": "lstm",
            },
        },
        "finalists": {"count": 1, "epochs": 0},
    },
}
"""What a preset changes in the defaults of `SearchConfig`; a recipe and the command line have the last word."""


def names(command: Command) -> list[str]:
    """Return the shipped recipes of a command."""
    folder = resources.files(__package__) / command
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def load(command: Command, name: str) -> dict[str, Any]:
    """Return a recipe as nested settings.

    Raises:
        InputError: no such recipe (suggests the nearest), or a file that is not a YAML mapping with names as keys.
    """
    if name.endswith((".yaml", ".yml")):
        if not is_file(name):
            refuse("--recipe", expected="an existing YAML file", got=name)
        text = read_text(Path(name), remedy=REMEDY, at_most=LARGEST_SETTINGS)
    elif name in names(command):
        text = (resources.files(__package__) / command / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        refuse("--recipe", expected="a recipe or a .yaml file", got=name, remedy=nearest(name, names(command)))
    return parse_settings(text, source=f"--recipe: {name}", remedy=REMEDY)


def settings_of(command: Command, name: str) -> dict[str, Any]:
    """Return the settings of a recipe that a run names, nothing where that recipe is a file that is gone."""
    if name.endswith((".yaml", ".yml")) and not is_file(name):
        return {}
    return load(command, name) if name.endswith((".yaml", ".yml")) or name in names(command) else {}


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Merge nested settings, later layers winning; a list is replaced as a whole.

    A part (``{name, settings}``, or its name alone) that is another than the one before starts without its settings.
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
                result[key] = value
    return result


def describe(command: Command, name: str) -> str:
    """Return the comment that a shipped recipe begins with, as one paragraph."""
    text = (resources.files(__package__) / command / f"{name}.yaml").read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(lines)

"""Recipes: YAML files that say everything about a run. Shipped ones go by name, others by path.

A recipe may begin with ``base: OTHER`` and then say only what differs from that other recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from wsrnas.errors import nearest, refuse
from wsrnas.files import LARGEST_SETTINGS, is_file, parse_settings, read_text
from wsrnas.recipes.renamed import RENAMED, refuse_renamed

Command = Literal["search", "train"]
REMEDY = "mend the file, or start from one that `wsrnas recipes` lists"

__all__ = ["PRESETS", "RENAMED", "Command", "describe", "load", "merged", "names", "own_settings", "refuse_renamed"]

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
    """Return a recipe as nested settings, those of its bases included.

    Raises:
        InputError: no such recipe (suggests the nearest), a file that is not a YAML mapping with names as keys, a
            setting by an old name, or bases that go round in a circle.
    """
    return merged(*(settings for _, settings in _chain(command, name)))


def own_settings(command: Command, name: str) -> dict[str, Any]:
    """Return what the files of a recipe given by path say, without the shipped recipes that they are based on."""
    shipped = names(command)
    return merged(*(settings for file, settings in _chain(command, name) if file not in shipped))


def _chain(command: Command, name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the recipe's bases and itself, the deepest base first: each name, and the settings written there."""
    found: list[tuple[str, dict[str, Any]]] = []
    wanted: str | None = name
    while wanted is not None:
        seen = [file for file, _ in found]
        if wanted in seen:
            circle = " → ".join([*reversed(seen), wanted])
            refuse("--recipe", expected="bases that end", got=circle, remedy="let one of them stand alone")
        settings = _read(command, wanted)
        base = settings.pop("base", None)
        if base is not None and not isinstance(base, str):
            refuse(f"--recipe {wanted}", expected="the name of one other recipe as its base", got=base)
        found.insert(0, (wanted, settings))
        wanted = str(Path(wanted).parent / base) if base and base.endswith((".yaml", ".yml")) else base
    return found


def _read(command: Command, name: str) -> dict[str, Any]:
    if name.endswith((".yaml", ".yml")):
        if not is_file(name):
            refuse("--recipe", expected="an existing YAML file", got=name)
        text = read_text(Path(name), remedy=REMEDY, at_most=LARGEST_SETTINGS)
    elif name in names(command):
        text = (resources.files(__package__) / command / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        refuse("--recipe", expected="a recipe or a .yaml file", got=name, remedy=nearest(name, names(command)))
    settings = parse_settings(text, source=f"--recipe: {name}", remedy=REMEDY)
    if odd := [key for key in settings if not isinstance(key, str)]:
        refuse(f"--recipe {name}", expected="names of settings", got=odd[0])
    refuse_renamed(command, settings, where=f"--recipe {name}")
    return settings


def settings_of(command: Command, name: str) -> dict[str, Any]:
    """Return the settings of a recipe that a run names, nothing where that recipe is a file that is gone."""
    if name.endswith((".yaml", ".yml")) and not is_file(name):
        return {}
    return load(command, name) if name.endswith((".yaml", ".yml")) or name in names(command) else {}


def of_preset(preset: str, *layers: dict[str, Any]) -> dict[str, Any]:
    """Return what a preset changes in the defaults, its parts being those that the layers over it name."""
    found = merged(PRESETS[preset])
    for part, settings in PART_SETTINGS.get(preset, {}).items():
        name = merged(found, *layers)[part]["name"]
        found = merged(found, {part: {"name": name, "settings": settings.get(name, {})}})
    return found


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested settings, later layers winning; a list is replaced as a whole.

    A part (``{name, settings}``, or its name alone) that is another than the one before starts without its settings:
    they mean nothing to the new one. So does a part ``key`` whose settings are the ``key_settings`` beside it.
    """
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            before = result.get(key)
            if isinstance(before, dict) and "settings" in before and isinstance(value, str):
                value = {"name": value}
            if isinstance(value, dict) and isinstance(before, dict):
                if "settings" in before and value.get("name", before.get("name")) != before.get("name"):
                    before = {**before, "settings": {}}
                result[key] = merged(before, value)
            else:
                if before is not None and before != value and f"{key}_settings" not in layer:
                    result.pop(f"{key}_settings", None)
                result[key] = merged(value) if isinstance(value, dict) else value
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

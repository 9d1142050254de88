"""From a recipe and settings to a configuration, for the command line and Python alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, cast, get_type_hints

from wsrnas import recipes
from wsrnas.errors import nearest, refuse
from wsrnas.parts import PartConfig, convert

Config = TypeVar("Config")


def configured(
    kind: type[Config],
    command: recipes.Command,
    recipe: str,
    settings: Mapping[str, Any] | None = None,
    *,
    preset: str | None = None,
) -> Config:
    """Return a configuration: defaults of `kind`, then the preset's, the recipe's, and `settings`, later winning.

    `settings` may be nested or dotted: ``{"space": {"channels": 8}}`` or ``{"space.channels": 8}``. A part is given as
    its name, or as ``{"name": …, "settings": {…}}``; another part than the recipe's starts from its own defaults.

    Raises:
        InputError: an unknown recipe, preset or setting (suggests the nearest), or a value that does not fit.
    """
    return instantiated(kind, layered(command, recipe, nested(settings or {}), preset=preset))


def layered(
    command: recipes.Command, recipe: str, settings: Mapping[str, Any], *, preset: str | None = None
) -> dict[str, Any]:
    """Return the nested settings of preset, recipe and `settings`, merged."""
    loaded = {"recipe": recipe, **recipes.load(command, recipe)}
    layers: list[dict[str, Any]] = [loaded, dict(settings)]
    if command == "search":
        chosen = preset or settings.get("preset") or loaded.get("preset", "ours")
        if chosen not in recipes.PRESETS:
            known = list(recipes.PRESETS)
            refuse("preset", expected=" or ".join(known), got=chosen, remedy=nearest(str(chosen), known))
        layers = [recipes.of_preset(chosen, *layers), loaded, {**settings, "preset": chosen}]
    return recipes.merged(*layers)


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with dotted keys as nested ones."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        inner: Any = nested(value) if isinstance(value, Mapping) else value
        *groups, last = key.split(".")
        for group in reversed([*groups, last]):
            inner = {group: inner}
        found = recipes.merged(found, inner)
    return found


def instantiated(
    kind: type[Config], values: Mapping[str, Any], *, prefix: str = "", default: Config | None = None
) -> Config:
    """Return a nested dataclass built from plain values; what is not there is as in `default`, else its own default."""
    hints = get_type_hints(kind)
    own = {field.name: field for field in fields(cast(Any, kind))}
    known = list(own)
    arguments: dict[str, Any] = {} if default is None else {name: getattr(default, name) for name in known}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if key not in known:
            refuse(name, expected=f"a setting ({', '.join(known)})", got=repr(value), remedy=nearest(key, known))
        hint = hints[key]
        if hint is PartConfig and isinstance(value, str):
            value = {"name": value}
        if isinstance(hint, type) and is_dataclass(hint):
            if isinstance(value, hint):
                arguments[key] = value
                continue
            if not isinstance(value, Mapping):
                refuse(name, expected="a mapping of settings", got=value)
            factory: Any = own[key].default_factory
            usual = factory() if factory is not MISSING else None
            if default is not None:
                usual = getattr(default, key)
            if isinstance(usual, PartConfig) and value.get("name", usual.name) != usual.name:
                usual = None  # the settings of another part mean nothing to this one
            arguments[key] = instantiated(hint, value, prefix=f"{name}.", default=usual)
        else:
            arguments[key] = convert(value, hint, name)
    return kind(**arguments)


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings with dotted keys; `settings` mappings stay whole."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and key != "settings":
            result.update(flat(value, f"{prefix}{key}."))
        else:
            result[f"{prefix}{key}"] = value
    return result

"""From recipe, preset and dotted options to a configuration; with `parser`, the only place that knows jsonargparse."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from jsonargparse import Namespace

from wsrnas import recipes
from wsrnas.cli.parser import Parser as Parser
from wsrnas.configure import flat, layered
from wsrnas.errors import InputError, as_written, nearest, refuse
from wsrnas.files import parse_value
from wsrnas.parts import Parts, modules_in
from wsrnas.recipes.renamed import refuse_renamed, refuse_renamed_option

Config = TypeVar("Config")


def parse_config(
    kind: type[Config],
    command: recipes.Command,
    parser: Parser,
    arguments: Sequence[str],
    *,
    default: str,
    parts: Mapping[str, Parts[Any]] | None = None,
    aside: Collection[str] = (),
    listed: Collection[str] = (),
) -> tuple[Config, Namespace]:
    """Return the configuration of a `search` or `train` command and its other options.

    The order, later winning: defaults of `kind`, the preset, the recipe's bases, the recipe, dotted options.
    ``--loss trades`` is ``--loss.name trades``. A part (`name` and `settings`) that gets another name starts from its
    own defaults; what is left out then is said.

    Args:
        parts: the parts that a setting may name, by dotted setting, for help and suggestions.
        aside: keys of a recipe that are no settings, such as the network in a training's config.yaml.
        listed: settings that list several parts.

    Raises:
        InputError: an unknown recipe, preset or option, an old name, or a value that does not fit.
    """
    swappable = _parts(kind)
    written = {f"{part}.name": f"--{part}" for part in swappable if given(arguments, f"--{part}") is not None}
    with as_written(written):
        return _parsed(kind, command, parser, _with_names(arguments, swappable), swappable, default, parts or {}, aside,
                       listed)  # fmt: skip


def _parsed(
    kind: type[Config],
    command: recipes.Command,
    parser: Parser,
    arguments: Sequence[str],
    swappable: Sequence[str],
    default: str,
    parts: Mapping[str, Parts[Any]],
    aside: Collection[str],
    listed: Collection[str],
) -> tuple[Config, Namespace]:
    _refuse_old_names(command, arguments)
    name, preset = given(arguments, "--recipe") or default, given(arguments, "--preset")
    chosen = _chosen(arguments, swappable)
    before = layered(command, name, {}, preset=preset)
    layers = {key: value for key, value in layered(command, name, chosen, preset=preset).items() if key not in aside}
    for part in swappable:
        _refuse_import(before.get(part), chosen.get(part), part, recipe=name)
    for key in listed:
        if given(arguments, f"--{key}") is None:
            _refuse_imports(before.get(key), key, recipe=name)
    parser.add_class_arguments(kind, None)
    defaults = nested(parser.get_defaults(), kind)
    known = sorted(flat(defaults))
    for key in flat(layers):
        if key not in known:
            refuse(f"--recipe {name}", expected="settings of this command", got=key, remedy=nearest(key, known))
    settings = recipes.merged(defaults, layers)
    _validate(parser, settings, origin=f"--recipe {name}, ")
    _describe(parser, parts, settings)
    parser.set_defaults(flat(settings))
    options = parser.instantiate(parser.parse_args(_without_recipe(arguments)))
    values = {key: value for key, value in vars(options).items() if key in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    for part in swappable:
        # A mapping of settings adds to those of preset and recipe, as it does in Python.
        added = recipes.merged(settings[part]["settings"], values[part].settings)
        values[part] = replace(values[part], settings=added)
    config = kind(**values)
    for part in swappable:
        if note := _left_out(recipes.merged(defaults, before).get(part, {}), settings[part], part):
            print(f"note: {note}", file=sys.stderr)
    return config, options


def nested(defaults: Namespace, kind: type) -> dict[str, Any]:
    """Return the defaults of a configuration's own fields, without the parser's other options."""
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return {key: value for key, value in defaults.as_dict().items() if key in fields}


def _parts(kind: type[Any]) -> list[str]:
    """Return the settings that are parts: what has a name and settings of its own."""
    hints = get_type_hints(kind)
    return [
        field.name
        for field in fields(kind)
        if is_dataclass(hints[field.name])
        and {"name", "settings"} <= {inner.name for inner in fields(hints[field.name])}
    ]


def _chosen(arguments: Sequence[str], parts: Sequence[str]) -> dict[str, Any]:
    """Return the parts that the command line names, and what it sets one by one of their settings.

    Merged before anything is parsed, so that another part, or another ψ of a strategy, leaves its settings behind.
    """
    options = [argument.split("=", 1)[0] for argument in arguments if argument.startswith("--")]
    found: dict[str, Any] = {}
    for part in parts:
        layer = {key: value for key, value in _mapping(given(arguments, f"--{part}")).items() if key == "name"}
        if (name := given(arguments, f"--{part}.name")) is not None:
            layer["name"] = name
        prefix = f"--{part}.settings."
        inner = {
            option.removeprefix(prefix): parse_value(given(arguments, option) or "", source=option)
            for option in options
            if option.startswith(prefix)
        }
        found[part] = layer | ({"settings": inner} if inner else {})
    return {part: layer for part, layer in found.items() if layer}


def _with_names(arguments: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Write ``--part NAME`` as ``--part.name NAME``."""
    short = {f"--{part}": f"--{part}.name" for part in parts}
    found = []
    for argument, following in zip(arguments, [*arguments[1:], ""]):
        option, equals, value = argument.partition("=")
        whole = "{" in (value if equals else following)  # a mapping of name and settings
        found.append(argument if whole else f"{short.get(option, option)}{equals}{value}")
    return found


def given(arguments: Sequence[str], option: str) -> str | None:
    """Return the text an option was given, the last one counting; None where it was not given."""
    value = None
    for place, argument in enumerate(arguments):
        if argument == option:
            if place + 1 == len(arguments):
                refuse(option, expected="a value", got="nothing")
            value = arguments[place + 1]
        elif argument.startswith(f"{option}="):
            value = argument.split("=", 1)[1]
    return value


def said(arguments: Sequence[str], command: recipes.Command, group: str) -> set[str]:
    """Return the settings of a group that the user chose: on the command line, or in a recipe file of their own.

    `--network.channels 36` and `network: {channels: 36}` both say ``channels``; a shipped recipe says nothing.
    """
    own = given(arguments, "--recipe")
    found = set() if own is None else set(recipes.own_settings(command, own).get(group) or {})
    whole = parse_value(given(arguments, f"--{group}") or "{}", source=f"--{group}")
    found |= set(whole) if isinstance(whole, dict) else set()
    dotted = (argument.split("=")[0] for argument in arguments if argument.startswith(f"--{group}."))
    return found | {option.split(".", 1)[1] for option in dotted}


def _refuse_old_names(command: recipes.Command, arguments: Sequence[str]) -> None:
    for place, argument in enumerate(arguments):
        option, sign, value = argument.partition("=")
        if not option.startswith("--"):
            continue
        following = arguments[place + 1] if place + 1 < len(arguments) else None
        refuse_renamed_option(command, option, value if sign else following)
        group = _mapping(value if sign else following)
        refuse_renamed(command, {option.removeprefix("--"): group}, where=option)


def _validate(parser: Parser, settings: dict[str, Any], *, origin: str) -> None:
    """Refuse values of a recipe that are of another type than their settings."""
    parser.origin = origin
    parser.parse_object(settings)
    parser.origin = "--"


def _refuse_import(below: Any, chosen: Any, part: str, *, recipe: str) -> None:
    """Refuse a recipe that names a module nobody has vouched for: importing it would run it."""
    name = str(below.get("name", "")) if isinstance(below, dict) else str(below or "")
    if (chosen or {}).get("name") is None and ":" in name and name.partition(":")[0] not in sys.modules:
        remedy = f"if you trust that module, name it on the command line: --{part}.name {name}"
        refuse(f"--recipe {recipe}", expected=f"{part}.name that imports nothing", got=name, remedy=remedy)


def _refuse_imports(value: Any, key: str, *, recipe: str) -> None:
    """Refuse a recipe whose list of parts names a module nobody has vouched for."""
    for name in modules_in(str(value or "")):
        if name not in sys.modules:
            remedy = f"if you trust that module, add --import {name}"
            refuse(f"--recipe {recipe}", expected=f"{key} that import nothing", got=str(value), remedy=remedy)


def _left_out(below: Mapping[str, Any], now: Mapping[str, Any], part: str) -> str:
    """Say which settings of a part are not those of the one that takes its place."""
    wanted = now.get("name")
    kept = now.get("settings", {}).items()
    dropped = ", ".join(
        f"{key} {value}" for key, value in below.get("settings", {}).items() if (key, value) not in kept
    )
    if wanted is None or wanted == below.get("name") or not dropped:
        return ""
    return f"{part} {wanted} in place of {below['name']}, whose settings are left out: {dropped}"


def _describe(parser: Parser, parts: Mapping[str, Parts[Any]], settings: Mapping[str, Any]) -> None:
    """Tell the parser which settings the parts have: for its help, and for options that are misspelt."""
    lines = []
    for part, known in parts.items():
        chosen = flat(settings)[f"{part}.name"]
        names = sorted(known.names(), key=lambda name: name != chosen)
        for name in names:
            own = known.settings(name, argument=f"{part}.name")
            parser.more_options += [f"--{part}.settings.{key}" for key in own]
            lines.append(f"{part}.name {name}: {part}.settings.{{{', '.join(own)}}}" if own else f"{part}.name {name}")
        if action := parser._option_string_actions.get(f"--{part}.name"):
            action.help = f"{', '.join(sorted(known.names()))}, or package.module:Class"
    if lines:
        parser.epilog = "settings of parts: " + "; ".join(lines)


def _mapping(text: str | None) -> dict[str, Any]:
    """Return what an option such as ``--loss '{name: trades}'`` holds; nothing where it is no mapping."""
    if text is None or "{" not in text:
        return {}
    try:
        value = parse_value(text, source="")
    except InputError:
        return {}
    return value if isinstance(value, dict) else {}


def _without_recipe(arguments: Sequence[str]) -> list[str]:
    """Drop `--recipe`, which has already been read and whose name is recorded from the recipe itself."""
    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ("--recipe", "--preset"):
            skip = True
        elif not argument.startswith(("--recipe=", "--preset=")):
            kept.append(argument)
    return kept


def known_name(command: str, name: str, known: Sequence[str]) -> None:
    """Refuse a name that a command does not know, suggesting the nearest."""
    if name not in known:
        refuse(f"wsrnas {command}", expected=" | ".join(known), got=name, remedy=nearest(name, tuple(known)))

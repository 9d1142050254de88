"""From recipe, preset and dotted options to a configuration; the only place that knows jsonargparse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn, TypeVar, get_type_hints

import yaml
from jsonargparse import ArgumentParser, Namespace

from wsrnas import recipes
from wsrnas.configure import flat, layered
from wsrnas.errors import InputError, nearest, refuse
from wsrnas.recipes.renamed import refuse_renamed

Config = TypeVar("Config")
UNKNOWN = re.compile(r"unrecognized arguments:\s*(\S+)|[Kk]ey [\"']([\w.]+)[\"'] (?:is not|does not)")


class Parser(ArgumentParser):
    """An argument parser whose errors are one clear sentence, with the nearest option for a misspelt one."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, default_env=False, **arguments)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise `InputError` instead of printing usage."""
        cause: BaseException | None = ex
        while cause is not None:
            if isinstance(cause, InputError):
                raise cause
            cause = cause.__cause__ or cause.__context__
        if unknown := UNKNOWN.search(message):
            given = (unknown[1] or f"--{unknown[2]}").split("=")[0]
            raise InputError(f"{given}: no such option of {self.prog}; {nearest(given, self.long_options())}")
        raise InputError(f"{self.prog}: {' '.join(message.split())}")

    def long_options(self) -> list[str]:
        """Return every long option."""
        options = [option for action in self._actions for option in action.option_strings]
        return [option for option in options if option.startswith("--") and not option.endswith("+")]


def parse_config(
    kind: type[Config], command: recipes.Command, parser: Parser, arguments: Sequence[str], *, default: str
) -> tuple[Config, Namespace]:
    """Return the configuration of a `search` or `train` command and its other options.

    The order, later winning: defaults of `kind`, the preset, the recipe, dotted options. ``--loss trades`` is
    ``--loss.name trades``; another part than the recipe's starts from its own defaults.

    Raises:
        InputError: an unknown recipe, preset or option, one that was renamed, or a value that does not fit.
    """
    parts = _parts(kind)
    arguments = _with_names(arguments, parts)
    options = [argument.split("=", 1)[0] for argument in arguments if argument.startswith("--")]
    for option in options:
        refuse_renamed(command, [option.removeprefix("--")], where=option)
    name = given(arguments, "--recipe") or default
    settings = layered(command, name, _chosen(arguments, options, parts), preset=given(arguments, "--preset"))
    parser.add_class_arguments(kind, None)
    known = sorted(flat(parser.get_defaults().as_dict()))
    refuse_renamed(command, [key for key in flat(settings) if key not in known], where=f"--recipe {name}")
    for key in flat(settings):
        if key not in known:
            refuse(f"--recipe {name}", expected="settings of this command", got=key, remedy=nearest(key, known))
    parser.set_defaults(flat(settings))
    parsed = parser.instantiate(parser.parse_args(_without_recipe(arguments)))
    values = {key: value for key, value in vars(parsed).items() if key in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    return kind(**values), parsed


def _parts(kind: type[Any]) -> list[str]:
    """Return the settings that are parts: what has a name and settings of its own."""
    hints = get_type_hints(kind)
    return [
        field.name
        for field in fields(kind)
        if is_dataclass(hints[field.name])
        and {"name", "settings"} <= {inner.name for inner in fields(hints[field.name])}
    ]


def _chosen(arguments: Sequence[str], options: Sequence[str], parts: Sequence[str]) -> dict[str, Any]:
    """Return the parts that the command line names, and what it sets one by one of their settings.

    Merged before anything is parsed, so that another part, or another ψ of a strategy, leaves its settings behind.
    """
    found: dict[str, Any] = {}
    for part in parts:
        name, prefix = given(arguments, f"--{part}.name"), f"--{part}.settings."
        inner = {
            o.removeprefix(prefix): yaml.safe_load(given(arguments, o) or "") for o in options if o.startswith(prefix)
        }
        layer = {} if name is None else {"name": name}
        found[part] = layer | ({"settings": inner} if inner else {})
    return {part: layer for part, layer in found.items() if layer}


def _with_names(arguments: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Write ``--part NAME`` as ``--part.name NAME``."""
    short = {f"--{part}": f"--{part}.name" for part in parts}
    found = []
    for argument in arguments:
        option, equals, value = argument.partition("=")
        found.append(f"{short.get(option, option)}{equals}{value}")
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
    found = set() if own is None or own in recipes.names(command) else set(recipes.load(command, own).get(group) or {})
    whole = yaml.safe_load(given(arguments, f"--{group}") or "{}")
    found |= set(whole) if isinstance(whole, dict) else set()
    dotted = (argument.split("=")[0] for argument in arguments if argument.startswith(f"--{group}."))
    return found | {option.split(".", 1)[1] for option in dotted}


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

"""From recipe, preset and dotted options to a configuration; the only place that knows jsonargparse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from jsonargparse import ArgumentParser, Namespace

from wsrnas import recipes
from wsrnas.errors import InputError, nearest, refuse

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

    The order, later winning: defaults of `kind`, the preset, the recipe, dotted options.

    Raises:
        InputError: an unknown recipe, preset or option, or a value that does not fit.
    """
    name = given(arguments, "--recipe") or default
    recipe = {"recipe": name, **recipes.load(command, name)}
    layers = [recipe]
    if command == "search":
        preset = given(arguments, "--preset") or recipe.get("preset", "ours")
        if preset not in recipes.PRESETS:
            remedy = nearest(preset, list(recipes.PRESETS))
            refuse("--preset", expected=" or ".join(recipes.PRESETS), got=preset, remedy=remedy)
        layers = [recipes.PRESETS[preset], recipe, {"preset": preset}]
    parser.add_class_arguments(kind, None)
    known = sorted(flat(parser.get_defaults().as_dict()))
    settings = _of_named_parts(flat(recipes.merged(*layers)), arguments)
    for key in settings:
        if key not in known:
            refuse(f"--recipe {name}", expected="settings of this command", got=key, remedy=nearest(key, known))
    parser.set_defaults(settings)
    options = parser.instantiate(parser.parse_args(_without_recipe(arguments)))
    values = {key: value for key, value in vars(options).items() if key in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    return kind(**values), options


def _of_named_parts(settings: dict[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Leave out the settings of a part where the command line names another one: they would not fit it."""
    kept = dict(settings)
    for key in settings:
        section, _, last = key.rpartition(".")
        for name in recipes.PART_NAMES:
            chosen = given(arguments, f"--{section}.{name}")
            if last == "settings" and chosen is not None and chosen != settings.get(f"{section}.{name}"):
                kept.pop(key, None)
    return kept


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings with dotted keys; `settings` mappings stay whole."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and key != "settings":
            result.update(flat(value, f"{prefix}{key}."))
        else:
            result[f"{prefix}{key}"] = value
    return result


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

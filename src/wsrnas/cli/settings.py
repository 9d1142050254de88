"""From recipe, preset and dotted options to a configuration; the only place that knows jsonargparse."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import yaml
from jsonargparse import ArgumentParser, Namespace

from wsrnas import recipes
from wsrnas.cli.suggest import meant
from wsrnas.errors import InputError, nearest, refuse
from wsrnas.parts import Parts
from wsrnas.recipes.renamed import refuse_renamed, refuse_renamed_option

Config = TypeVar("Config")
UNKNOWN = re.compile(r"unrecognized arguments:\s*(\S+)|[Kk]ey [\"']([\w.]+)[\"'] (?:is not|does not)")
MISFIT = re.compile(r"Parser key \"([\w.]+)\":\s*(.*)(?:Got value|Given value): (.*)", re.DOTALL)
NO_VALUE = re.compile(r"argument (-[^:\s/]+)[^:]*: expected one argument")
TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "NoneType": "null",
         "dict": "a mapping", "list": "a list"}  # fmt: skip


class Parser(ArgumentParser):
    """An argument parser whose errors are one clear sentence, with the option that was meant for a misspelt one."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, default_env=False, **arguments)
        self.more_options: list[str] = []
        """Options that are not written down beforehand: settings of parts."""
        self.origin = "--"
        """What stands before the name of a setting that does not fit: where it was given."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise `InputError` instead of printing usage."""
        cause: BaseException | None = ex
        while cause is not None:
            if isinstance(cause, InputError):
                raise cause
            cause = cause.__cause__ or cause.__context__
        if unknown := UNKNOWN.search(message):
            given = (unknown[1] or f"--{unknown[2]}").split("=")[0]
            raise InputError(f"{given}: no such option of {self.prog}; {meant(given, self.described_options())}")
        if misfit := MISFIT.search(message):
            raise InputError(
                f"{self.origin}{misfit[1]}: expected {_kinds(misfit[2])}, got {' '.join(misfit[3].split())}"
            )
        if missing := NO_VALUE.search(message):
            raise InputError(f"{missing[1]}: expected a value, got nothing")
        raise InputError(f"{self.prog}: {' '.join(message.split())}")

    def described_options(self) -> dict[str, str]:
        """Return every long option with what its help says."""
        found = {
            option: action.help or ""
            for action in self._actions
            for option in action.option_strings
            if option.startswith("--") and not option.endswith("+")
        }
        return {**found, **{option: found.get(option, "") for option in self.more_options}}


def parse_config(
    kind: type[Config],
    command: recipes.Command,
    parser: Parser,
    arguments: Sequence[str],
    *,
    default: str,
    parts: Mapping[str, Parts[Any]] | None = None,
    aside: Collection[str] = (),
) -> tuple[Config, Namespace]:
    """Return the configuration of a `search` or `train` command and its other options.

    The order, later winning: defaults of `kind`, the preset, the recipe's bases, the recipe, dotted options. A part
    (`name` and `settings`) that gets another name starts from its own defaults; what is left out then is said.

    Args:
        parts: the parts that a setting may name, by dotted setting, for help and suggestions.
        aside: keys of a recipe that are no settings, such as the network in a training's config.yaml.

    Raises:
        InputError: an unknown recipe, preset or option, an old name, or a value that does not fit.
    """
    _refuse_old_names(command, arguments)
    name = given(arguments, "--recipe") or default
    written = {key: value for key, value in recipes.load(command, name).items() if key not in aside}
    recipe = {"recipe": name, **written}
    layers = [recipe]
    if command == "search":
        preset = given(arguments, "--preset") or recipe.get("preset", "ours")
        if preset not in recipes.PRESETS:
            remedy = nearest(preset, list(recipes.PRESETS))
            refuse("--preset", expected=" or ".join(recipes.PRESETS), got=preset, remedy=remedy)
        layers = [recipes.PRESETS[preset], recipe, {"preset": preset}]
    parser.add_class_arguments(kind, None)
    defaults = nested(parser.get_defaults(), kind)
    known = sorted(flat(defaults))
    for key in flat(recipes.merged(*layers)):
        if key not in known:
            refuse(f"--recipe {name}", expected="settings of this command", got=key, remedy=nearest(key, known))
    settings = recipes.merged(defaults, *layers)
    _validate(parser, settings, origin=f"--recipe {name}, ")
    chosen = [key.removesuffix(".settings") for key in known if key.endswith(".settings")]
    said = [_choose_part(settings, part, arguments, recipe=name) for part in chosen]
    _describe(parser, parts or {}, settings)
    parser.set_defaults(flat(settings))
    options = parser.instantiate(parser.parse_args(_without_recipe(arguments)))
    values = {key: value for key, value in vars(options).items() if key in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    config = kind(**values)
    for note in said:
        if note:
            print(f"note: {note}", file=sys.stderr)
    return config, options


def nested(defaults: Namespace, kind: type) -> dict[str, Any]:
    """Return the defaults of a configuration's own fields, without the parser's other options."""
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return {key: value for key, value in defaults.as_dict().items() if key in fields}


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
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


def _choose_part(settings: dict[str, Any], part: str, arguments: Sequence[str], *, recipe: str) -> str:
    """Let the command line's name of a part win; drop the settings of the one it takes the place of, and say so."""
    *groups, last = part.split(".")
    holder = settings
    for group in groups:
        holder = holder[group]
    below, whole = holder[last], _mapping(given(arguments, f"--{part}"))
    if "name" not in below:
        return ""
    wanted = given(arguments, f"--{part}.name") or whole.get("name")
    if wanted is None and ":" in str(below["name"]) and str(below["name"]).partition(":")[0] not in sys.modules:
        remedy = f"if you trust that module, name it on the command line: --{part}.name {below['name']}"
        refuse(f"--recipe {recipe}", expected=f"{part}.name that imports nothing", got=below["name"], remedy=remedy)
    if wanted is None or wanted == below["name"]:
        return ""
    holder[last] = {**below, "name": wanted, "settings": {}}
    dropped = ", ".join(f"{key} {value}" for key, value in below["settings"].items())
    return f"{part} {wanted} in place of {below['name']}, whose settings are left out: {dropped}" if dropped else ""


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
    if lines:
        parser.epilog = "settings of parts: " + "; ".join(lines)


def _kinds(text: str) -> str:
    """Return what jsonargparse expected, in words."""
    found = re.findall(r"<class '(\w+)'>", text.split("Errors:")[0])
    return " or ".join(dict.fromkeys(TYPES.get(name, name) for name in found)) or " ".join(text.split()).rstrip(".")


def _mapping(text: str | None) -> dict[str, Any]:
    """Return what an option such as ``--loss '{name: trades}'`` holds; nothing where it is no mapping."""
    if text is None or "{" not in text:
        return {}
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
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

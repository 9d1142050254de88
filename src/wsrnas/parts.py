"""Swappable parts by name: ours, those that installed packages announce, and `package.module:Class` from anywhere."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from wsrnas.errors import InputError, nearest, refuse
from wsrnas.types import parse_strength, parse_strengths

Part = TypeVar("Part")
_PATH = re.compile(r"([A-Za-z_][\w.]*):[A-Za-z_]\w*")
"""A part by its path; the group is its module."""


@dataclass(frozen=True, kw_only=True)
class PartConfig:
    """A part by name and what it is built with, as a recipe holds it.

    Args:
        name: one of the known names, or ``package.module:Class``.
        settings: of that part; what is not given is the part's own default.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


class Parts(Generic[Part]):
    """The parts of one kind.

    A class joins by one line here, by an entry point of an installed package in the group ``wsrnas.<group>``, or by
    being named as ``package.module:Class`` wherever a name is asked for. Settings are the arguments of the class, or,
    where it takes `settings` of a dataclass, that dataclass's fields; what the caller hands over (`given`) is none.
    """

    def __init__(self, base: type[Any], group: str, known: Iterable[tuple[str, type[Any]]]) -> None:
        self.base, self.group, self._known = base, group, dict(known)

    def names(self) -> tuple[str, ...]:
        """Return every name, ours first."""
        return (*self._known, *(name for name in self._announced() if name not in self._known))

    def items(self) -> Iterator[tuple[str, type[Part]]]:
        """Yield our own parts by name."""
        yield from self._known.items()

    def kind(self, name: str, *, argument: str, imports: bool = True) -> type[Part]:
        """Return the class of that name; `imports=False` for names that data files hold, which must not run anything.

        Raises:
            InputError: no such name (suggests the nearest), a class of another kind, or a module not imported yet.
        """
        if name in self._known:
            return self._known[name]
        announced = self._announced()
        if name in announced:
            return self._checked(_loaded(announced[name], argument), name, argument)
        if ":" in name:
            module = name.partition(":")[0]
            if not imports and module not in sys.modules:
                remedy = f"if you trust that module, add --import {module}"
                refuse(argument, expected="a name this installation knows", got=repr(name), remedy=remedy)
            return self._checked(imported(name, argument=argument), name, argument)
        remedy = f"{nearest(name, self.names())}; a class of your own goes as package.module:Class"
        refuse(argument, expected=f"a known name ({', '.join(self.names())})", got=repr(name), remedy=remedy)

    def settings(self, name: str, *, argument: str, given: Iterable[str] = ()) -> dict[str, inspect.Parameter]:
        """Return the settings a part has, by name; `given` are those its caller hands over."""
        return _settings(self.kind(name, argument=argument), set(given))

    def check(self, config: PartConfig, *, argument: str, given: Iterable[str] = ()) -> None:
        """Refuse what `build` would refuse of the name and the settings, without building the part."""
        settings = self._converted(config, argument, set(given))
        holder = _holder(self.kind(config.name, argument=argument))
        if holder is not None:
            holder(**settings)

    def build(self, config: PartConfig, *, argument: str, **given: Any) -> Part:
        """Return the part with its settings; numbers may be written as text, radii as ``8/255``.

        Raises:
            InputError: an unknown name, a setting that the part does not have or that does not fit, or one it needs.
        """
        kind: Any = self.kind(config.name, argument=f"{argument}.name")
        parameters = inspect.signature(kind).parameters
        wanted = {key: value for key, value in given.items() if key in parameters}
        settings = self._converted(config, argument, set(given))
        holder = _holder(kind)
        built: Part = kind(**wanted, **settings) if holder is None else kind(**wanted, settings=holder(**settings))
        return built

    def _converted(self, config: PartConfig, argument: str, given: set[str]) -> dict[str, Any]:
        kind: Any = self.kind(config.name, argument=f"{argument}.name")
        allowed = _settings(kind, given)
        for key in config.settings:
            if key not in allowed:
                shown = ", ".join(allowed) or "none"
                remedy = nearest(key, tuple(allowed)) if allowed else "leave it out"
                refuse(f"{argument}.settings.{key}", expected=f"a setting of {config.name!r} ({shown})", got=key,
                       remedy=remedy)  # fmt: skip
        for key, parameter in allowed.items():
            if parameter.default is inspect.Parameter.empty and key not in config.settings:
                refuse(f"{argument}.settings.{key}", expected=f"a value, which {config.name!r} needs", got="none")
        owner: Any = _holder(kind) or kind
        hints = _hints(owner)
        return {
            key: convert(value, hints.get(key, Any), f"{argument}.settings.{key}")
            for key, value in config.settings.items()
        }

    def _announced(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=f"wsrnas.{self.group}")}

    def _checked(self, found: Any, name: str, argument: str) -> type[Any]:
        if not (inspect.isclass(found) and issubclass(found, self.base)):
            shown = f"{name}, a {type(found).__name__}" if not inspect.isclass(found) else f"{name}, another class"
            refuse(argument, expected=f"a subclass of {self.base.__module__}.{self.base.__name__}", got=shown)
        if inspect.isabstract(found):
            missing = ", ".join(sorted(vars(found)["__abstractmethods__"]))
            refuse(argument, expected=f"a finished subclass of {self.base.__name__}", got=f"{name} without {missing}")
        return cast("type[Part]", found)


def _loaded(point: EntryPoint, argument: str) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as error:  # whatever somebody's package does when it is imported
        reason = f"{type(error).__name__}: {error}"
        remedy = "repair or remove the package that announces it"
        raise InputError(f"{argument}: cannot load {point.name!r} from {point.value} ({reason}); {remedy}") from error


def modules_in(text: str) -> list[str]:
    """Return the modules of all parts that a text names by their path, `package.module:Class`."""
    return _PATH.findall(text)


def imported(path: str, *, argument: str) -> Any:
    """Return what ``package.module:attribute`` names, looked for in the current folder too.

    Raises:
        InputError: the module cannot be imported, whatever it raises, or has no such attribute.
    """
    module_name, _, attribute = path.partition(":")
    module = imported_module(module_name, argument=argument)
    found = getattr(module, attribute, None)
    if found is None:
        known = [name for name in vars(module) if not name.startswith("_")]
        remedy = nearest(attribute, known) if known else "the module is empty"
        refuse(argument, expected=f"something named {attribute!r} in {module_name}", got="none", remedy=remedy)
    return found


def imported_module(name: str, *, argument: str) -> ModuleType:
    """Return the module of that name, looked for in the current folder too.

    Raises:
        InputError: it cannot be imported, whatever it raises.
    """
    with _current_folder():
        try:
            found = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # whatever a user's own module does when it is imported
            remedy = "give an importable package.module, installed or in the current folder"
            reason = f"{type(error).__name__}: {error}"
            raise InputError(f"{argument}: cannot import {name} ({reason}); {remedy}") from error
    _USER_MODULES[name] = None
    return found


_USER_MODULES: dict[str, None] = {}


def user_modules() -> tuple[str, ...]:
    """Return the modules that `imported_module` brought in, in order: another process needs them too."""
    return tuple(name for name in _USER_MODULES if name in sys.modules)


@contextmanager
def _current_folder() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _hints(kind: Any) -> dict[str, Any]:
    """Return the types of a class's settings; those of a dataclass are read where each was written, bases included."""
    return get_type_hints(kind if is_dataclass(kind) else kind.__init__)


def _holder(kind: Any) -> type | None:
    """Return the dataclass that a class takes as its `settings`, if it takes one."""
    found = _hints(kind).get("settings")
    return found if inspect.isclass(found) and is_dataclass(found) else None


def _settings(kind: type, given: set[str]) -> dict[str, inspect.Parameter]:
    usable = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = inspect.signature(_holder(kind) or kind).parameters.items()
    return {name: parameter for name, parameter in found if parameter.kind in usable and name not in given}


def convert(value: Any, hint: Any, argument: str) -> Any:
    """Return a setting as its annotation wants it: text becomes numbers, ``8/255`` a radius, lists tuples.

    Raises:
        InputError: a value of another kind.
    """
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None and type(None) in options:
            return None
        hints = [option for option in options if option is not type(None)]
        return convert(value, hints[0], argument) if len(hints) == 1 else value
    if origin is Literal:
        if value not in options:
            known = [str(option) for option in options]
            refuse(argument, expected=f"one of {', '.join(known)}", got=repr(value), remedy=nearest(str(value), known))
        return value
    if hint is bool:
        if not isinstance(value, bool):
            refuse(argument, expected="true or false", got=value)
        return value
    if hint is int:
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(argument, expected="a whole number", got=value)
        return value
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            refuse(argument, expected="a number", got=value)
        return parse_strength(value, argument=argument) if isinstance(value, str) else float(value)
    if hint is str:
        if not isinstance(value, str):
            refuse(argument, expected="text", got=value)
        return value
    if origin is tuple and options == (float, Ellipsis):
        return parse_strengths(value, argument=argument)
    if origin is tuple and options[1:] == (Ellipsis,):
        return tuple(convert(item, options[0], argument) for item in _items(value))
    if origin is tuple and isinstance(value, list):
        return tuple(value)
    if origin in (dict, Mapping) and not isinstance(value, Mapping):
        refuse(argument, expected="a mapping", got=value)
    return value


def _items(value: Any) -> list[Any]:
    """Return what a list, text such as ``99,149``, or a single value holds."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.strip().strip("[]()").split(",")]
        return [int(part) if part.lstrip("-").isdigit() else part for part in parts if part]
    return list(value) if isinstance(value, (list, tuple)) else [value]

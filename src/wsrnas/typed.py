"""Values read from files, checked against the annotations of what they are to become."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from wsrnas.errors import refuse

WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", dict: "a mapping"}


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value read from JSON or YAML is of the kind that an annotation names.

    A list stands for a tuple, a whole number for a number; whole numbers are of at most 64 bits.
    """
    origin, options = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(fits(value, option) for option in options)
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in options)
    if hint is int:
        return type(value) is int and abs(value) < 2**63
    if hint is float:
        return type(value) is float or fits(value, int)
    if origin is list or (origin is tuple and options[-1:] == (Ellipsis,)):
        return isinstance(value, (list, tuple)) and all(fits(item, options[0]) for item in value)
    if origin is tuple:
        same = isinstance(value, (list, tuple)) and len(value) == len(options)
        return same and all(fits(item, option) for item, option in zip(value, options))
    if origin is dict:
        pairs = value.items() if isinstance(value, dict) else ()
        return isinstance(value, dict) and all(fits(key, options[0]) and fits(item, options[1]) for key, item in pairs)
    return isinstance(value, hint) if isinstance(hint, type) else True


def check_fields(
    values: Mapping[str, Any], kind: type, *, source: str, remedy: str, only: tuple[str, ...] = ()
) -> None:
    """Refuse values that are not what the annotations of a class say; what is missing is not looked at.

    Args:
        values: by the name of the field.
        kind: a dataclass or a TypedDict.
        source: the file, for the message.
        remedy: what helps.
        only: the fields to check; none: all.

    Raises:
        InputError: names the field.
    """
    for name, hint in get_type_hints(kind).items():
        if name in values and (not only or name in only) and not fits(values[name], hint):
            refuse(f"{source}: {name}", expected=_words(hint), got=_short(values[name]), remedy=remedy)


def with_numbers(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return checked values with a number wherever an annotation of the class names one and a whole number stands."""
    hints = get_type_hints(kind)
    return {name: _number(value, hints.get(name, Any)) for name, value in values.items()}


def _number(value: Any, hint: Any) -> Any:
    origin, options = get_origin(hint), get_args(hint)
    if hint is float and isinstance(value, int):
        return float(value)
    if origin is list and isinstance(value, list):
        return [_number(item, options[0]) for item in value]
    if origin is dict and isinstance(value, dict):
        return {key: _number(item, options[1]) for key, item in value.items()}
    return value


def finite(values: Any) -> bool:
    """Return whether every number in nested lists and mappings is finite."""
    if isinstance(values, (list, tuple)):
        return all(finite(value) for value in values)
    if isinstance(values, dict):
        return all(finite(value) for value in values.values())
    return not isinstance(values, float) or math.isfinite(values)


def _words(hint: Any) -> str:
    origin, options = get_origin(hint), get_args(hint)
    if hint is type(None):
        return "nothing"
    if origin in (Union, UnionType):
        return " or ".join(_words(option) for option in options)
    if origin is Literal:
        return "one of " + ", ".join(map(str, options))
    if origin in (list, tuple):
        return f"a list of {_words(options[0]).removeprefix('a ')}s" if options[0] in (int, float) else "a list"
    return WORDS.get(origin or hint, "another value")


def _short(value: Any) -> str:
    return repr(value[:9] if isinstance(value, list) else value)[:80]

"""The annotations of the package, checked while tests run: what jaxtyping checks, for a fraction of what it costs.

jaxtyping's import hook checks the arguments of a call twice and keeps a table of shapes for it, whatever is annotated.
Here a function whose annotations name no shape is checked by beartype alone, and one that does is checked once, within
one table of shapes. Classes and generators are left to jaxtyping.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from types import FunctionType
from typing import Any, get_args, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype


class UnlikeItsAnnotationError(TypeError):
    """A value is not what its annotation says."""


_CONFIG = BeartypeConf(violation_type=UnlikeItsAnnotationError)
_theirs: Callable[..., Any] = jaxtyping.jaxtyped
_meanings: dict[tuple[str, str], object] = {}


def install(package: str) -> None:
    """Check every function and dataclass of the package from its next import on."""
    jaxtyping.jaxtyped = jaxtyped  # type: ignore[assignment]
    jaxtyping.install_import_hook(package, "beartype.beartype")


def jaxtyped(one: Any = None, *, typechecker: Callable[..., Any]) -> Any:
    """Stand in for the decorator of that name, which the import hook puts on everything."""
    if one is None:
        return partial(jaxtyped, typechecker=typechecker)
    if isinstance(one, (classmethod, staticmethod)):
        return type(one)(jaxtyped(one.__func__, typechecker=typechecker))
    if not isinstance(one, FunctionType) or inspect.isgeneratorfunction(one):
        return _theirs(one, typechecker=typechecker)
    return checked(one) if one.__annotations__ else one


def checked(function: FunctionType) -> Callable[..., Any]:
    """Return the function with its arguments and its result checked; the check is made when it is first called."""
    made: list[Callable[..., Any]] = []

    @wraps(function)
    def checking(*arguments: Any, **options: Any) -> Any:
        if not made:
            made.append(_check_of(function))
        return made[0](*arguments, **options)

    return checking


def _check_of(function: FunctionType) -> Callable[..., Any]:
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    for name in ("__kwdefaults__", "__qualname__", "__module__"):
        setattr(twin, name, getattr(function, name))
    twin.__annotations__ = {name: _meaning(hint, function) for name, hint in function.__annotations__.items()}
    check: Callable[..., Any] = beartype(conf=_CONFIG)(twin)
    shapes = any(map(_names_a_shape, twin.__annotations__.values()))
    return _theirs(check, typechecker=None) if shapes else check


def _meaning(hint: object, function: FunctionType) -> object:
    """Return what an annotation written as text means: anything where only type checkers know one of its names."""
    if not isinstance(hint, str):
        return hint
    key = (function.__module__, hint)
    if key not in _meanings:

        def annotated() -> None: ...

        annotated.__annotations__ = {"value": hint}
        try:
            _meanings[key] = get_type_hints(annotated, function.__globals__, include_extras=True)["value"]
        except NameError:
            return Any
    return _meanings[key]


def _names_a_shape(hint: object) -> bool:
    if inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(_names_a_shape, get_args(hint)))

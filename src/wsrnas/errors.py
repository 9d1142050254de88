"""What goes wrong by the user's doing, said in one sentence that names the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import NoReturn

LONGEST = 400
"""Characters of a value or of a single word that are shown; text of words is shown as it was put together."""
_LONG_WORD = re.compile(rf"(\S{{{LONGEST}}})\S+")


class InputError(ValueError):
    """A bad argument, file or setting.

    The message names the argument, what was expected, what came, and the remedy; the command line prints it without a
    traceback and exits with code 2. `shared` says that all processes of a run raise it, of which one says it.
    """

    shared: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(_LONG_WORD.sub(r"\1…", message))


def refuse(argument: str, *, expected: str, got: object, remedy: str = "") -> NoReturn:
    """Raise an `InputError` that reads ``argument: expected …, got …; remedy``."""
    shown = got if isinstance(got, str) else repr(got)
    if not isinstance(got, str) and len(shown) > LONGEST:
        shown = f"{shown[:LONGEST]}…"
    raise InputError(f"{argument}: expected {expected}, got {shown}" + (f"; {remedy}" if remedy else ""))


@contextmanager
def as_written(names: Mapping[str, str]) -> Iterator[None]:
    """Name arguments inside as the user wrote them: ``{"runtime.device": "--device"}``."""
    try:
        yield
    except InputError as error:
        argument, _, rest = str(error).partition(":")
        if argument not in names:
            raise
        renamed = InputError(f"{names[argument]}:{rest}")
        renamed.shared = error.shared
        raise renamed from error


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``did you mean 'x'?``, or the list of what is known where nothing is close."""
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def one_of(argument: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of the known ones."""
    if value not in known:
        refuse(argument, expected=f"one of {', '.join(known)}", got=value, remedy=nearest(value, known))


def at_least(minimum: int, **values: int) -> None:
    """Refuse numbers below a minimum; keys are argument names."""
    for name, value in values.items():
        if value < minimum:
            refuse(name, expected=f"at least {minimum}", got=value)

"""The parser of every command: its errors are one sentence, and its options can be asked for without running it."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from wsrnas.cli.help import FIRST, WholeHelp, short
from wsrnas.cli.suggest import meant
from wsrnas.errors import InputError, refuse

UNKNOWN = re.compile(r"unrecognized arguments:\s*(\S+)|[Kk]ey [\"']([\w.]+)[\"'] (?:is not|does not)")
MISFIT = re.compile(r"Parser key \"([\w.]+)\":\s*(.*)(?:Got value|Given value): (.*)", re.DOTALL)
GROUP = re.compile(r"Parser key \"([\w.]+)\":\s*Unable to load config ['\"](.*?)['\"]", re.DOTALL)
ODD_VALUE = re.compile(r"Parser key \"([\w.]+)\":\s*(.*)", re.DOTALL)
NO_VALUE = re.compile(r"argument (-[^:\s/]+)[^:]*: expected one argument")
TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "NoneType": "null",
         "dict": "a mapping", "list": "a list"}  # fmt: skip
ASKED: ContextVar[list[Parser] | None] = ContextVar("asked", default=None)
"""Where a parser goes that was asked for its help; None prints it."""


class Parser(ArgumentParser):
    """An argument parser whose errors are one clear sentence, with the option that was meant for a misspelt one."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, default_env=False, **arguments)
        self.whole_help = False
        self._first = FIRST.get(self.prog.removeprefix("wsrnas "), ())
        if self._first:
            self.usage = f"{self.prog} [options]"
            self.add_argument("--help-all", action=WholeHelp, help="show every option, in groups, and exit")
        self.more_options: list[str] = []
        """Options that are not written down beforehand: settings of parts."""
        self.origin = "--"
        """What stands before the name of a setting that does not fit: where it was given."""

    def format_help(self, *arguments: Any, **settings: Any) -> str:
        """Return the options people use first, or all of them; what it takes depends on the version of jsonargparse."""
        if self._first and not self.whole_help:
            return short(self, self._first)
        return super().format_help(*arguments, **settings)

    def print_help(self, *arguments: Any, **settings: Any) -> None:
        """Print the help, or hand the parser to whoever asked for its options."""
        if (asked := ASKED.get()) is not None:
            asked.append(self)
        else:
            super().print_help(*arguments, **settings)

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
        if group := GROUP.search(message):
            inside = [name for name in self.described_options() if name.startswith(f"--{group[1]}.")]
            own = f"--{group[1]}.name"
            remedy = f"did you mean {own} {group[2]}?" if own in inside else f"it has {', '.join(inside)}"
            expected = "a mapping such as '{name: value}', or one setting at a time with a dot"
            refuse(f"{self.origin}{group[1]}", expected=expected, got=group[2], remedy=remedy)
        if odd := ODD_VALUE.search(message):
            raise InputError(f"{self.origin}{odd[1]}: cannot be read ({' '.join(odd[2].split())})")
        if missing := NO_VALUE.search(message):
            raise InputError(f"{missing[1]}: expected a value, got nothing")
        raise InputError(f"{self.prog}: {' '.join(message.split())}")

    def parse_args(self, *arguments: Any, **settings: Any) -> Any:
        """Parse; numbers that no computer counts to are refused here, before something fails on them half way."""
        found = super().parse_args(*arguments, **settings)
        for name, value in found.as_flat().__dict__.items():
            if type(value) is int and abs(value) >= 2**63:
                refuse(f"{self.origin}{name}", expected="a whole number of at most 63 bits", got=f"{value:.3g}")
        return found

    def described_options(self) -> dict[str, str]:
        """Return every long option with what its help says."""
        found = {
            option: action.help or ""
            for action in self._actions
            for option in action.option_strings
            if option.startswith("--") and not option.endswith("+")
        }
        return {**found, **{option: found.get(option, "") for option in self.more_options}}


def parser_of(command: str, *first: str) -> Parser:
    """Return the parser of a command, with what it knows of recipes and parts; `first` are its first arguments."""
    from wsrnas.cli import COMMANDS

    function = getattr(importlib.import_module(f"wsrnas.cli.commands.{COMMANDS[command][0]}"), command)
    found: list[Parser] = []
    token = ASKED.set(found)
    try:
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
            function([*first, "--help"])
    finally:
        ASKED.reset(token)
    return found[0]


def options_of(parser: Parser) -> Sequence[str]:
    """Return every long option, in the order of the help; those people use first are first."""
    known = dict.fromkeys(["--help", *parser.described_options()])
    first = [name for name in FIRST.get(parser.prog.removeprefix("wsrnas "), ()) if name in known]
    return list(dict.fromkeys([*first, *known]))


def _kinds(text: str) -> str:
    """Return what jsonargparse expected, in words."""
    found = re.findall(r"<class '(\w+)'>", text.split("Errors:")[0])
    return " or ".join(dict.fromkeys(TYPES.get(name, name) for name in found)) or " ".join(text.split()).rstrip(".")

"""The command line: `wsrnas COMMAND …`, the same as `python -m wsrnas COMMAND …`."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence

from wsrnas import __version__
from wsrnas.errors import InputError, nearest, refuse

COMMANDS = {
    "search": ("run", "find a robust architecture (Wsr-NAS), then report"),
    "train": ("train", "train an architecture adversarially"),
    "evaluate": ("measure", "measure accuracy over a spectrum of attack strengths"),
    "check": ("measure", "look for signs that a robustness measurement deceives"),
    "compare": ("measure", "put runs and the paper's rows in one table and figure"),
    "report": ("run", "render the report of a run folder again"),
    "study": ("study", "compare noise estimators, or one-shot ranks with training alone"),
    "bench": ("study", "judge strategies, loss estimators and strengths on a published table"),
    "zoo": ("show", "list, show and draw published architectures"),
    "recipes": ("show", "list the recipes"),
    "doctor": ("show", "say what this machine offers"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 on success, 2 on bad input, 130 on Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    try:
        return _dispatch(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to go on from the last checkpoint", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] in ("--version", "-V"):
        print(f"wsrnas {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        refuse("command", expected="one of wsrnas --help", got=name, remedy=nearest(name, list(COMMANDS)))
    module = importlib.import_module(f"wsrnas.cli.{COMMANDS[name][0]}")
    code = getattr(module, name)(rest)
    return int(code or 0)


def usage() -> str:
    """Return the overview that `wsrnas --help` prints."""
    lines = [f"  {name:<10}{text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        [
            f"wsrnas {__version__}: image classifiers that stay robust over a wide spectrum of attack strengths",
            "",
            "usage: wsrnas COMMAND [options]        wsrnas COMMAND --help",
            "",
            *lines,
        ]
    )

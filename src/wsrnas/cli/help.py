"""What `--help` prints: the options people use first; `--help-all` prints every one."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 80
FIRST: Mapping[str, Sequence[str]] = {
    "search": (
        "--recipe", "--preset", "--data.name", "--data.root", "--data.image_size", "--spectrum.strengths",
        "--strategy.name", "--space.name", "--budget.iterations", "--limits.params", "--pareto", "--then-train",
        "--dry-run", "--out", "--seed", "--runtime.device",
    ),
    "train": (
        "--arch", "--recipe", "--data.name", "--data.root", "--data.image_size", "--epochs", "--loss.name",
        "--batch_size", "--network.channels", "--network.layers", "--out", "--seed", "--runtime.device",
    ),
    "evaluate": (
        "run", "--model", "--weights", "--data.name", "--data.root", "--strengths", "--protocol", "--suite",
        "--attacks", "--norm", "--limit", "--out", "--device",
    ),
    "check": (
        "run", "--model", "--weights", "--data.name", "--data.root", "--norm", "--limit", "--out", "--seed", "--device",
    ),
}  # fmt: skip
"""By command, in the order of a first use."""


class WholeHelp(argparse.Action):
    """Print every option, and end."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **settings)

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Print the help of all groups."""
        parser.whole_help = True
        parser.print_help()
        parser.exit()


def short(parser: argparse.ArgumentParser, names: Sequence[str]) -> str:
    """Return the help for some options, each with its default, at 80 columns."""
    actions = {name: action for action in parser._actions for name in (action.option_strings or [action.dest])}
    chosen = [(name, actions[name]) for name in names if name in actions]
    indent = max(len(name) for name, _ in chosen) + 4
    lines = [_line(name, action, indent) for name, action in chosen]
    every = sum(bool(one.option_strings) and one.help != argparse.SUPPRESS for one in parser._actions)
    places = "".join(f" [{name.upper()}]" for name, action in chosen if not action.option_strings)
    return "\n".join([
        f"usage: {parser.prog}{places} [options]",
        "",
        textwrap.fill(parser.description or "", WIDTH),
        "",
        "used first:",
        *lines,
        "",
        f"All {every} options, in groups: {parser.prog} --help-all",
        "",
    ])  # fmt: skip


def _line(name: str, action: argparse.Action, indent: int) -> str:
    about = " ".join((action.help or "").split())
    known = action.default is not None and action.default is not argparse.SUPPRESS and action.default is not False
    about = about.replace("(default: %(default)s)", "").strip().rstrip(".")
    if known and "(default" not in about and str(action.default):
        about += f" (default: {_plain(action.default)})"
    first = f"  {name}".ljust(indent)
    return textwrap.fill(about, WIDTH, initial_indent=first, subsequent_indent=" " * indent)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

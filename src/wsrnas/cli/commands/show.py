"""`wsrnas recipes`: what there is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from wsrnas import recipes as shipped
from wsrnas.cli.as_json import add_json, print_json
from wsrnas.cli.settings import Parser
from wsrnas.evaluation.text import WIDTH

COMMANDS: tuple[shipped.Command, ...] = ("search", "train")


def recipes(arguments: Sequence[str]) -> int:
    """List the recipes, each with the first lines of its file."""
    parser = Parser(prog="wsrnas recipes", description=recipes.__doc__)
    add_json(parser, "the list")
    options = parser.parse_args(list(arguments))
    found = {command: _about(command) for command in COMMANDS}
    if options.json:
        every = [(command, *one) for command, about in found.items() for one in about.items()]
        print_json([{"command": command, "recipe": name, "about": text} for command, name, text in every])
        return 0
    indent = max(len(name) for about in found.values() for name in about) + 4
    for command, about in found.items():
        print(f"wsrnas {command} --recipe")
        for name, text in about.items():
            first = f"  {name}".ljust(indent)
            print(textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * indent))
    return 0


def _about(command: shipped.Command) -> dict[str, str]:
    return {name: " ".join(shipped.describe(command, name).split()) for name in shipped.names(command)}

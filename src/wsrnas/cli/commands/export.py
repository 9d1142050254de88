"""`wsrnas export` and `wsrnas push`: a network handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from wsrnas.cli.as_json import add_json, only_result, print_json
from wsrnas.cli.commands.subject import data_options
from wsrnas.cli.settings import Parser
from wsrnas.data import DataConfig
from wsrnas.errors import refuse
from wsrnas.export.formats import FORMATS
from wsrnas.export.push import push as run_push
from wsrnas.export.run import export as run_export

FORMS = "a run folder, or another network whose architecture is known"


def export(arguments: Sequence[str]) -> int:
    """Write a network for use elsewhere, after comparing it with the original on logits and under attack."""
    parser = Parser(prog="wsrnas export", description=export.__doc__)
    parser.add_argument("run", help=FORMS)
    parser.add_argument("--format", default="safetensors", help=f"{', '.join(FORMATS.names())} (a folder)")
    parser.add_argument("--out", default=None, help="file written, or folder for hub")
    parser.add_argument("--limit", type=int, default=64, help="images to compare on")
    parser.add_argument("--strength", default=None, help="to compare at (default: what it was trained at, or 8/255)")
    parser.add_argument("--licence", default="", help="for the card: an SPDX name such as mit")
    parser.add_class_arguments(DataConfig, "data")
    add_json(parser, "what was written and how it was compared")
    options = parser.parse_args(list(arguments))
    if options.out is None:
        endings = ", ".join(f"net{kind.suffix} ({name})" for name, kind in FORMATS.items() if kind.suffix)
        refuse("--out", expected="a file or folder to write", got="nothing", remedy=f"such as --out {endings}")
    with only_result(options.json):
        found = run_export(
            options.run,
            options.format,
            out=options.out,
            limit=options.limit,
            strength=options.strength,
            data=data_options(options, arguments),
            licence=options.licence,
        )
    if options.json:
        print_json(asdict(found))
    else:
        print(found)
    return 0


def push(arguments: Sequence[str]) -> int:
    """Upload a network with its card to a Hugging Face hub."""
    parser = Parser(prog="wsrnas push", description=push.__doc__)
    parser.add_argument("run", help=FORMS)
    parser.add_argument("name", help="user/name on the hub")
    parser.add_argument("--private", action="store_true", help="make a new one private")
    parser.add_argument("--licence", default="", help="for the card: an SPDX name such as mit")
    parser.add_argument("--message", default="A network of wsrnas", help="of the commit")
    parser.add_class_arguments(DataConfig, "data")
    options = parser.parse_args(list(arguments))
    found = run_push(
        options.run,
        options.name,
        private=options.private,
        licence=options.licence,
        message=options.message,
        data=data_options(options, arguments),
    )
    print(found)
    return 0

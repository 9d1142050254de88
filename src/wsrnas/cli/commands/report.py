"""`wsrnas report`: render the pages of a run folder again."""

from __future__ import annotations

from collections.abc import Sequence

from wsrnas.cli.settings import Parser


def report(arguments: Sequence[str]) -> int:
    """Render the report of a run folder again."""
    from wsrnas import api

    parser = Parser(prog="wsrnas report", description=report.__doc__)
    parser.add_argument("run", help="a run folder")
    said = "package.module:Class, sections of your own on the page of a search (default: those of its config.yaml)"
    parser.add_argument("--sections", default=None, help=said)
    options = parser.parse_args(list(arguments))
    print(f"report: {api.report(options.run, sections=options.sections)}")
    return 0

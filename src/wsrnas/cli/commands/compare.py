"""`wsrnas compare`: evaluated runs, and the paper's rows, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from wsrnas.cli.as_json import add_json, print_json
from wsrnas.cli.settings import Parser
from wsrnas.evaluation.command import run_compare


def compare(arguments: Sequence[str]) -> int:
    """Put evaluated runs and the paper's rows in one table and one figure."""
    parser = Parser(prog="wsrnas compare", description=compare.__doc__)
    parser.add_argument("runs", nargs="+", help="evaluated run folders")
    parser.add_argument("--out", default=None, help="folder for compare.md, .csv, .svg and .html")
    parser.add_argument("--reference", default=None, help="the run the others are compared with; default: the first")
    parser.add_argument("--no-paper", action="store_true", help="leave out the paper's rows")
    parser.add_argument("--anyway", action="store_true", help="compare even what cannot be compared, and say so")
    add_json(parser, "rows, differences and remarks")
    options = parser.parse_args(list(arguments))
    paper = False if options.no_paper else None
    found = run_compare(options.runs, out=options.out, paper=paper, reference=options.reference, anyway=options.anyway)
    if options.json:
        print_json(found.to_dict())
    else:
        print(found)
    return 0

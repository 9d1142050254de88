"""`wsrnas reproduce`: a table or figure of the paper by one command."""

from __future__ import annotations

from collections.abc import Sequence

from wsrnas.cli.as_json import add_json, only_result, print_json
from wsrnas.cli.settings import Parser, known_name
from wsrnas.errors import refuse


def reproduce(arguments: Sequence[str]) -> int:
    """Make a table or figure of the paper again: searches, trainings, evaluations, and a page beside its numbers."""
    from wsrnas import api
    from wsrnas.reproduce import TABLES, cost
    from wsrnas.reproduce.scale import scale_names

    parser = Parser(prog="wsrnas reproduce", description=reproduce.__doc__)
    parser.add_argument("name", help=", ".join(TABLES))
    parser.add_argument("--scale", default="smoke", help=f"{', '.join(scale_names())}: digits, reduced CIFAR-10, GPUs")
    parser.add_argument("--out", default=None, help="folder for table.csv, table.md and report.html")
    parser.add_argument("--data.root", default=None, help="folder with CIFAR-10 (table4 --scale paper: ImageNet)")
    parser.add_argument("--runs", default=None, help="folder of the runs, which tables can share (default: OUT/runs)")
    parser.add_argument("--workers", type=int, default=None, help="processes side by side (default: one per processor)")
    parser.add_argument("--dry-run", action="store_true", help="list the runs with their cost, then stop")
    parser.add_argument("--yes", action="store_true", help="accept the cost that --scale paper names")
    add_json(parser, "the table, or with --dry-run the runs,")
    options = parser.parse_args(list(arguments))
    known_name("reproduce", options.name, tuple(TABLES))
    root = options["data.root"]
    if options.dry_run:
        planned = cost(options.name, scale=options.scale, data_root=root)
        if options.json:
            print_json(planned.to_dict())
        else:
            print(planned)
        return 0
    if options.out is None:
        refuse("--out", expected="a folder", got="nothing", remedy=f"name one such as --out runs/{options.name}")
    with only_result(options.json):
        found = api.reproduce(
            options.name,
            scale=options.scale,
            out=options.out,
            data_root=root,
            runs=options.runs,
            workers=options.workers,
            yes=options.yes,
        )
    if options.json:
        print_json(found.to_dict())
    else:
        print(found)
    return 0

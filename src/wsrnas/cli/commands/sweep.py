"""`wsrnas sweep`: many runs from one plan."""

from __future__ import annotations

from collections.abc import Sequence

from wsrnas.cli.as_json import add_json, only_result, print_json
from wsrnas.cli.settings import Parser
from wsrnas.errors import refuse


def sweep(arguments: Sequence[str]) -> int:
    """Search, train or evaluate with every combination of a plan, here or on a cluster; 1 if a run is not done."""
    from wsrnas.sweeps.sweep import PLACES
    from wsrnas.sweeps.sweep import sweep as run_sweep

    parser = Parser(prog="wsrnas sweep", description=sweep.__doc__)
    parser.add_argument("plan", nargs="?", default=None, help="YAML: command, recipe, seeds, architectures, settings")
    parser.add_argument("--out", default=None, help="folder of the sweep: runs/, table.csv, table.md, report.html")
    parser.add_argument("--on", default="local", help=", ".join(PLACES))
    parser.add_argument("--workers", type=int, default=None, help="runs at the same time (default: cores or devices)")
    parser.add_argument("--dry-run", action="store_true", help="print the runs, then stop")
    add_json(parser, "the table, or with --dry-run the runs,")
    options = parser.parse_args(list(arguments))
    if options.plan is None:
        refuse("PLAN", expected="a YAML file", got="nothing", remedy="wsrnas sweep plan.yaml --out sweeps/a")
    if options.dry_run:
        return dry_run(options.plan, options.out, as_json=options.json)
    if options.out is None:
        refuse("--out", expected="a folder", got="nothing", remedy="name one such as --out sweeps/a")
    with only_result(options.json):
        result = run_sweep(options.plan, out=options.out, on=options.on, workers=options.workers)
    if options.json:
        print_json(result.to_dict())
    else:
        print(result)
        print(f"table: {result.path / 'table.csv'}")
        print(f"report: {result.path / 'report.html'}")
    return 0 if result.ok else 1


def dry_run(plan: str, out: str | None, *, as_json: bool = False) -> int:
    """Print every run and what is left to do of it; write nothing."""
    from pathlib import Path

    from wsrnas.sweeps.folder import SweepFolder
    from wsrnas.sweeps.plan import read_plan
    from wsrnas.sweeps.sweep import checked_runs

    runs = checked_runs(read_plan(plan), here=False)
    states = ["waiting" if out is None else SweepFolder(path=Path(out)).outcome(run).state for run in runs]
    if as_json:
        print_json([{"name": run.name, "state": state, **run.about} for run, state in zip(runs, states)])
        return 0
    for run, state in zip(runs, states):
        said = ", ".join(f"{key} {value}" for key, value in run.settings.items())
        print(f"{run.name}  {state}" + (f"  {said}" if said else ""))
    print(f"{len(runs)} runs")
    return 0

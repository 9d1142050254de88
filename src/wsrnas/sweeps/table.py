"""A sweep as one table and one page: table.csv, table.md and report.html."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wsrnas.errors import InputError
from wsrnas.evaluation.text import to_csv, to_markdown
from wsrnas.files import write_atomic
from wsrnas.report.page import Page
from wsrnas.sweeps.folder import Outcome, SweepFolder
from wsrnas.sweeps.numbers import numbers_of
from wsrnas.sweeps.plan import SweepRun

NOT_AVERAGED = ("images", "found")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One run of the table: what it is, how it stands, and its key numbers where it is done."""

    run: SweepRun
    outcome: Outcome
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        """Return what the run is, by column."""
        return self.run.about


def line_of(run: SweepRun, folder: SweepFolder, outcome: Outcome | None = None) -> Line:
    """Return the line of a run; its outcome is read from the folder where it is not given."""
    outcome = folder.outcome(run) if outcome is None else outcome
    if outcome.state != "done":
        return Line(run=run, outcome=outcome)
    try:
        return Line(run=run, outcome=outcome, numbers=numbers_of(run, folder.run(run.name)))
    except InputError as error:
        return Line(run=run, outcome=Outcome(name=run.name, state="failed", message=str(error)))


def lines_of(runs: Sequence[SweepRun], folder: SweepFolder, known: dict[str, Line]) -> list[Line]:
    """Return a line a run; `known` are lines that stay as they are, the others are read from the folder."""
    return [known.get(run.name) or line_of(run, folder) for run in runs]


def write_tables(lines: Sequence[Line], folder: SweepFolder) -> None:
    """Write table.csv, table.md and report.html."""
    headers, rows = cells(lines, folder)
    write_atomic(folder.path / "table.csv", to_csv(headers, [[str(cell) for cell in row] for row in rows]))
    write_atomic(folder.path / "table.md", to_markdown(_short(headers), [_short(row) for row in rows]))
    _page(lines, folder, headers, rows).write(folder.path / "report.html")


def cells(lines: Sequence[Line], folder: SweepFolder) -> tuple[list[str], list[list[Any]]]:
    """Return the headers and the rows: name, settings, state, numbers, message, folder."""
    about = _columns([line.about for line in lines])
    numbers = [column for column in _columns([line.numbers for line in lines]) if column not in about]
    headers = ["name", *about, "state", *numbers, "message", "folder"]
    rows = [
        [
            line.run.name,
            *(_plain(line.about.get(column)) for column in about),
            line.outcome.state,
            *(_plain(line.numbers.get(column)) for column in numbers),
            line.outcome.message,
            str(folder.run(line.run.name)),
        ]
        for line in lines
    ]
    return headers, rows


def _page(lines: Sequence[Line], folder: SweepFolder, headers: list[str], rows: list[list[Any]]) -> Page:
    counts = {state: sum(line.outcome.state == state for line in lines) for state in ("done", "failed")}
    page = Page(f"Sweep {folder.path.name}", f"{len(lines)} runs")
    page.facts({"runs": len(lines), **counts, "left": len(lines) - sum(counts.values())})
    averaged = over_seeds(lines)
    if averaged:
        page.section("Over seeds", "Mean and standard deviation over the seeds of runs that are otherwise the same.")
        names = _columns(averaged)
        page.table(names, [[row.get(name) for name in names] for row in averaged], "Runs that are done.")
    page.section("Runs")
    hidden = {"message", "folder"}
    kept = [place for place, name in enumerate(headers) if name not in hidden]
    table = [[row[place] for place in kept] for row in rows]
    page.table([headers[place] for place in kept], table, "Every run; its folder is runs/ and its name.")
    failed = [line for line in lines if line.outcome.state == "failed"]
    if failed:
        page.section("Failures", "The same command tries these again; each goes on from its last checkpoint.")
        page.table(["name", "why"], [[line.run.name, line.outcome.message] for line in failed], "What went wrong.")
    return page


def over_seeds(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return mean ± standard deviation (n − 1) of each number over the seeds of what is otherwise the same.

    Empty where nothing was run with several seeds.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Line]] = {}
    for line in lines:
        if line.outcome.state == "done":
            key = tuple((name, str(value)) for name, value in line.about.items() if name != "seed")
            groups.setdefault(key, []).append(line)
    if all(len(group) < 2 for group in groups.values()):
        return []
    found = []
    for key, group in groups.items():
        row: dict[str, Any] = {**dict(key), "seeds": len(group)}
        for column in _columns([line.numbers for line in group]):
            values = [line.numbers.get(column) for line in group]
            numbers = [float(value) for value in values if isinstance(value, (int, float))]
            if column not in NOT_AVERAGED and len(numbers) == len(values):
                spread = f" ± {statistics.stdev(numbers):.2g}" if len(numbers) > 1 else ""
                row[column] = f"{statistics.fmean(numbers):.4g}{spread}"
        found.append(row)
    return found


def _columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _plain(value: Any) -> Any:
    return "" if value is None else value


def _short(cells: Sequence[Any]) -> list[str]:
    return [" ".join((f"{cell:.4g}" if isinstance(cell, float) else str(cell)).split()) for cell in cells]

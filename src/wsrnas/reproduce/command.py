"""`wsrnas reproduce`: a table or figure of the paper, from its runs to its page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsrnas.errors import at_least, nearest, refuse
from wsrnas.reproduce.cost import Loaded, Plan, estimated, plan
from wsrnas.reproduce.page import Written
from wsrnas.reproduce.perform import perform
from wsrnas.reproduce.result import Result
from wsrnas.reproduce.runs import Run
from wsrnas.reproduce.scale import Scale, named
from wsrnas.reproduce.tables.base import Table
from wsrnas.reproduce.tables.figure1 import Figure1
from wsrnas.reproduce.tables.table1 import Table1
from wsrnas.reproduce.tables.table2 import Table2
from wsrnas.reproduce.tables.table3 import Table3
from wsrnas.reproduce.tables.table4 import Table4
from wsrnas.reproduce.tables.table5 import Table5
from wsrnas.reproduce.tables.table6 import Table6
from wsrnas.runs import RunFolder
from wsrnas.runs.environment import environment
from wsrnas.runtime import Runtime

TABLES: dict[str, type[Table]] = {one.name: one for one in (Table1, Table2, Table3, Table4, Table5, Table6, Figure1)}
RUNS = "runs"
SHOWN = ("wsrnas", "torch", "python", "platform", "threads", "cuda", "created")


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """A table made again: its folder, with table.csv, table.md and report.html, and what it came to."""

    path: Path
    table: str
    scale: str
    result: Result

    @property
    def report(self) -> Path:
        """Return the page."""
        return self.path / "report.html"

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as plain JSON values."""
        result = self.result
        return {
            "name": self.table,
            "scale": self.scale,
            "finding": result.finding,
            "warning": result.warning,
            "table": result.main.to_dict(),
            "notes": list(result.notes),
            "doubts": list(result.doubts),
            "report": str(self.report),
        }

    def __str__(self) -> str:
        """Return what was found, and where it is."""
        return f"{self.result.finding}\nreport: {self.report}"


def table_of(name: str) -> Table:
    """Return a table or figure by name.

    Raises:
        InputError: none of that name; suggests the nearest.
    """
    if name not in TABLES:
        refuse("wsrnas reproduce", expected=" | ".join(TABLES), got=name, remedy=nearest(name, tuple(TABLES)))
    return TABLES[name]()


def cost(name: str, *, scale: str | Scale = "smoke", data_root: str | Path | None = None) -> Plan:
    """Return the runs that a table is made of with what they cost; writes nothing.

    Raises:
        InputError: an unknown table or scale, or data that is not there.
    """
    table, chosen = table_of(name), _scale(scale, data_root)
    runs = table.runs(chosen)
    return plan(table.name, chosen.name, runs, _loaded(runs), Runtime())


def reproduce(
    name: str,
    *,
    scale: str | Scale = "smoke",
    out: str | Path,
    data_root: str | Path | None = None,
    runs: str | Path | None = None,
    workers: int | None = None,
    yes: bool = False,
) -> Reproduction:
    """Make a table or figure of the paper again, or go on with it, and write its page.

    ``reproduce("table2", scale="small", data_root="cifar10", out="runs/table2")``

    Every search, training, evaluation and study is an ordinary run folder in `runs`; those that are finished are not
    made again. What a run came to is kept in ``outcomes/`` of `out`.

    Args:
        name: table1 to table6, or figure1.
        scale: smoke, small or paper, or a scale of your own.
        out: folder for table.csv, table.md and report.html.
        data_root: folder with the scale's data, as parquet files or class folders; None takes it from the hub.
        runs: folder of the runs, ``out/runs`` if not given; tables of one scale may share it, and then train the
            networks that they share (Tables 1 and 2, Figure 1) once.
        workers: processes that make networks side by side; None is one per processor, or per GPU. Timed searches
            (Tables 3 and 6) are run one after the other anyway.
        yes: the cost of the paper's own sizes is accepted.

    Raises:
        InputError: an unknown table or scale, data that is not there, a cost that was not accepted, or a folder that
            holds something else, was begun with other settings or cannot be written.
    """
    table, chosen = table_of(name), _scale(scale, data_root)
    at_least(1, **{"--workers": 1 if workers is None else workers})
    found = table.runs(chosen)
    if not (Path(out) / "config.yaml").is_file():
        loaded = _loaded(found)
        if chosen.ask and not yes:
            _ask(plan(table.name, chosen.name, found, loaded, Runtime()))
    where = Path(out) / RUNS if runs is None else Path(runs)
    config = {"table": table.name, "runs": None if runs is None else str(runs), **chosen.settings()}
    with RunFolder.open(out, kind="reproduce", config=config) as folder:
        outcomes = perform(table.name, found, folder, where, 1 if table.timed else workers)
        result = table.result(chosen, outcomes)
        written = Written(
            table=table,
            scale=chosen,
            result=result,
            command=_command(table, chosen, out, runs),
            environment={key: value for key, value in environment().items() if key in SHOWN and value is not None},
        )
        written.write(folder.path)
    return Reproduction(path=Path(out), table=table.name, scale=chosen.name, result=result)


def _scale(scale: str | Scale, root: str | Path | None) -> Scale:
    return scale if isinstance(scale, Scale) else named(scale, root=None if root is None else str(root))


def _loaded(runs: Sequence[Run]) -> Loaded:
    """Return the data of all runs, so that what is not there is refused before anything is done."""
    found: Loaded = {}
    for run in runs:
        if run.data not in found:
            found[run.data] = run.loaded()
    return found


def _ask(costs: Plan) -> None:
    """Refuse to start before the cost was accepted."""
    images = max(one.images for one in costs.costs)
    got = (
        f"no answer to {len(costs.costs)} runs, {costs.passes:,} network passes (the longest run sees {images:,} "
        f"images), about {estimated(costs.seconds)} on this machine"
    )
    refuse("--yes", expected=f"the cost of {costs.table} at scale {costs.scale} accepted", got=got,
           remedy="--dry-run lists the runs; --yes starts them")  # fmt: skip


def _command(table: Table, scale: Scale, out: str | Path, runs: str | Path | None) -> str:
    words = ["wsrnas", "reproduce", table.name, "--scale", scale.name, "--out", str(out)]
    words += ["--data.root", scale.root] if scale.root else []
    words += ["--runs", str(runs)] if runs is not None else []
    return shlex.join([*words, "--yes"] if scale.ask else words)

"""`wsrnas sweep`: all runs of a plan, wherever they run, and one table in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsrnas.errors import at_least, one_of
from wsrnas.parts import user_modules
from wsrnas.progress import progress
from wsrnas.sweeps.check import check_data, check_run
from wsrnas.sweeps.folder import Outcome, SweepFolder
from wsrnas.sweeps.local import run_local
from wsrnas.sweeps.plan import Plan, SweepRun, read_plan
from wsrnas.sweeps.ray import check_ray, run_ray
from wsrnas.sweeps.slurm import check_slurm, run_slurm
from wsrnas.sweeps.table import Line, line_of, lines_of, write_tables

PLACES = ("local", "ray", "slurm")


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """How the runs of a sweep stand: a line each, in the order of the plan."""

    path: Path
    lines: tuple[Line, ...]

    def count(self, state: str) -> int:
        """Return how many runs are in a state: done, failed, stopped, elsewhere or waiting."""
        return sum(line.outcome.state == state for line in self.lines)

    @property
    def ok(self) -> bool:
        """Whether every run is done."""
        return self.count("done") == len(self.lines)

    @property
    def failures(self) -> dict[str, str]:
        """Return why runs are not done, by name."""
        return {
            line.run.name: line.outcome.message or line.outcome.state
            for line in self.lines
            if line.outcome.state != "done"
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON values."""
        rows = [
            {
                "name": line.run.name,
                **line.about,
                "state": line.outcome.state,
                **line.numbers,
                "message": line.outcome.message,
            }
            for line in self.lines
        ]
        return {"folder": str(self.path), "runs": rows, "done": self.count("done")}

    def __str__(self) -> str:
        """Return how many are done, and every failure in a line of its own."""
        first = f"sweep: {self.path}, {self.count('done')} of {len(self.lines)} runs done"
        return "\n".join([first, *(f"failed: {name}: {why}" for name, why in self.failures.items())])


def sweep(
    plan: str | Path | Mapping[str, Any] | Plan,
    *,
    out: str | Path,
    on: str = "local",
    workers: int | None = None,
) -> SweepResult:
    """Do every run of a plan that is not done yet, and write table.csv, table.md and report.html.

    ``sweep({"command": "train", "architectures": ["advrush", "nadar-b"], "seeds": [0, 1, 2]}, out="sweeps/a")``

    Every run is an ordinary run folder below `out`/runs, which other commands take. Two sweeps in one folder share the
    work. The same call goes on where an earlier one was stopped or killed.

    Args:
        plan: a YAML file, its content, or a `Plan`.
        out: folder of the sweep.
        on: local, ray or slurm.
        workers: runs at the same time; None takes one a CUDA device, else one a core, on a cluster all it has room for.

    Raises:
        InputError: a plan that no run could be made of, data that is missing here, a cluster that cannot be reached, or
            a package that is not installed. What a run itself is refused for is said of that run.
    """
    one_of("--on", on, PLACES)
    if workers is not None:
        at_least(1, **{"--workers": workers})
    if on == "ray":
        check_ray()
    elif on == "slurm":
        check_slurm()
    plan = read_plan(plan)
    runs = checked_runs(plan, here=on == "local")
    folder = SweepFolder.open(out, plan)
    left = [run for run in runs if not folder.is_done(run)]
    for run in left:
        folder.forget_outcome(run)
    by_name = {run.name: run for run in runs}
    known = {run.name: line_of(run, folder) for run in runs if run not in left}
    write_tables(lines_of(runs, folder, known), folder)
    with progress("sweep", len(runs), done=len(runs) - len(left)) as bar:

        def on_end(outcome: Outcome) -> None:
            known[outcome.name] = line_of(by_name[outcome.name], folder, outcome)
            write_tables(lines_of(runs, folder, known), folder)
            bar.advance(note=f"{outcome.name} {outcome.state}")

        if left and on == "local":
            run_local(left, folder, workers, on_end)
        elif left and on == "ray":
            run_ray(left, folder, workers, on_end)
        elif left:
            run_slurm(left, folder, workers, on_end, settings=plan.slurm, modules=user_modules())
    lines = lines_of(runs, folder, known)
    write_tables(lines, folder)
    return SweepResult(path=Path(out), lines=tuple(lines))


def checked_runs(plan: Plan, *, here: bool) -> list[SweepRun]:
    """Return the runs of a plan, none of which would be refused; `here` looks for their data on this machine too."""
    runs = plan.runs()
    configs = [config for config in map(check_run, runs) if config is not None]
    if here:
        check_data(configs)
    return runs

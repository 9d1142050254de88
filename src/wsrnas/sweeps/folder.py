"""The folder of a sweep: an ordinary run folder per run, a log and a lock for each, and the table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from wsrnas.errors import refuse
from wsrnas.files import explained, read_object, write_atomic, write_json
from wsrnas.sweeps.plan import Plan, SweepRun

State = Literal["done", "failed", "stopped", "elsewhere", "waiting"]
PLAN = "plan.yaml"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attempt at a run ended, and why; `elsewhere`: another sweep is working on it."""

    name: str
    state: State
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class SweepFolder:
    """Where everything of a sweep is."""

    path: Path

    @classmethod
    def open(cls, path: str | Path, plan: Plan) -> SweepFolder:
        """Make the folder, or take it up again; another plan may add runs to it.

        Raises:
            InputError: the folder holds something else, or cannot be written.
        """
        folder = cls(path=Path(path).absolute())
        try:
            if folder.path.exists() and not folder.path.is_dir():
                refuse("--out", expected="a folder", got=str(path))
            if folder.path.is_dir() and not (folder.path / PLAN).is_file() and any(folder.path.iterdir()):
                refuse("--out", expected="a new folder or a sweep", got=f"{path}, which holds other files")
            for part in ("runs", "logs", "locks"):
                (folder.path / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explained(error, folder.path) from error
        values = {key: value for key, value in vars(plan).items() if value}
        write_atomic(folder.path / PLAN, yaml.safe_dump(values, sort_keys=False))
        return folder

    def run(self, name: str) -> Path:
        """Return the run folder."""
        return self.path / "runs" / name

    def log(self, name: str) -> Path:
        """Return the file that a run's output goes to."""
        return self.path / "logs" / f"{name}.log"

    def lock(self, name: str) -> Path:
        """Return the folder that is held while a run is worked on, by whoever works on it."""
        return self.path / "locks" / name

    def is_done(self, run: SweepRun) -> bool:
        """Return whether a run has written its result and its page."""
        place = self.run(run.name)
        if run.command == "evaluate":
            return (place / "eval" / "report.html").is_file() and any((place / "eval").glob("*.json"))
        return (place / "report.html").is_file() and (place / "result.json").is_file()

    def write_outcome(self, outcome: Outcome) -> None:
        """Leave word of an attempt for the sweep that waits for it, perhaps on another machine."""
        write_json(self.path / "logs" / f"{outcome.name}.json", vars(outcome))

    def forget_outcome(self, run: SweepRun) -> None:
        """Forget an earlier attempt, before another."""
        (self.path / "logs" / f"{run.name}.json").unlink(missing_ok=True)

    def outcome(self, run: SweepRun) -> Outcome:
        """Return how a run stands: what its last attempt left word of, unless it is done."""
        if self.is_done(run):
            return Outcome(name=run.name, state="done")
        found = read_object(self.path / "logs" / f"{run.name}.json", remedy="delete it")
        if found.get("state") in ("failed", "stopped", "elsewhere"):
            return Outcome(name=run.name, state=found["state"], message=str(found.get("message", "")))
        return Outcome(name=run.name, state="waiting")

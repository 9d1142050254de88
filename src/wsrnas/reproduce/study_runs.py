"""The two studies of Table 5 as runs."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from wsrnas.data import DataConfig
from wsrnas.reproduce.runs import Outcome, Run
from wsrnas.studies.noise.candidates import KNOWN_THREE
from wsrnas.studies.noise.config import StudyConfig
from wsrnas.studies.noise.study import run as run_study
from wsrnas.studies.noise.turns import run_turns
from wsrnas.studies.parts import without_nan


@dataclass(frozen=True, kw_only=True)
class StudyRun(Run):
    """A study of noise estimators."""

    config: StudyConfig
    kind: ClassVar[str] = "study"

    @property
    def data(self) -> tuple[DataConfig, int]:
        """Return the data it reads."""
        return self.config.data, self.config.seed


@dataclass(frozen=True, kw_only=True)
class TurnsRun(StudyRun):
    """Table 5 as the paper describes it."""

    def perform(self, runs: Path) -> Outcome:
        """Return accuracies by line of the table, one per network."""
        return run_turns(self.config, runs / self.name)


@dataclass(frozen=True, kw_only=True)
class CorrectedRun(StudyRun):
    """The study that decides the default: known noises at 0.03, 0.06 and 0.09, the strengths between them estimated."""

    command: str

    def perform(self, runs: Path) -> Outcome:
        """Return accuracy, fidelity and error of every estimator that is given those three."""
        found = run_study(scale="small", config=self.config, out=runs / self.name, command=self.command)
        between = [place for place, s in enumerate(found["strengths"]) if s not in KNOWN_THREE and s < max(KNOWN_THREE)]
        rows = [row for row in found["rows"] if tuple(row["known"]) == KNOWN_THREE]
        outcome = {
            "strengths": [found["strengths"][place] for place in between],
            "natural": found["clean_accuracy"],
            "robust": statistics.fmean(found["real_accuracy"][place] for place in between),
            "images": found["networks"][0]["images"],
            "networks": len(found["networks"]),
            "rows": [
                {
                    "name": row["name"],
                    "accuracy": statistics.fmean(row["accuracy"][place] for place in between),
                    "fidelity": [row["fidelity"][place] for place in between],
                    "loss_error": row["loss_error"],
                }
                for row in rows
            ],
        }
        cleaned: Outcome = without_nan(outcome)
        return cleaned

"""What a table is composed of: searches, trainings and evaluations, each an ordinary run that goes on after a kill."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from wsrnas.data import DataBundle, DataConfig, load_data
from wsrnas.evaluation.command import run_evaluate
from wsrnas.evaluation.result import Evaluation
from wsrnas.models.named import network_spec, size_of
from wsrnas.models.network import SizeConfig
from wsrnas.search.config import SearchConfig
from wsrnas.search.report.record import read_search_run
from wsrnas.search.report.sections.timing import per_iteration
from wsrnas.search.run import run_search
from wsrnas.training.config import TrainConfig
from wsrnas.training.report.page import write_train_report
from wsrnas.training.train import train
from wsrnas.types import format_strength

Outcome = dict[str, Any]
"""What a finished run says, as JSON."""
FGSM_STRENGTH = 8 / 255
FGSM_FOLDER = "fgsm"


def outcome_file(kind: str, name: str) -> str:
    """Return the file below a table's folder that keeps what a run came to."""
    return f"outcomes/{kind}-{name}.json"


@dataclass(frozen=True, kw_only=True)
class Run(ABC):
    """One run: `name` is its folder below the runs of a table and, with `kind`, what its outcome is called."""

    name: str
    kind: ClassVar[str]
    """The command it stands for: search, train, evaluate or study."""

    @property
    @abstractmethod
    def data(self) -> tuple[DataConfig, int]:
        """Return the data it reads and the seed that divides it."""

    @abstractmethod
    def perform(self, runs: Path) -> Outcome:
        """Do it, or go on with it, below the folder of runs, and return what came out."""

    def needs(self, other: Run) -> bool:
        """Return whether the other run must be done before this one."""
        return False

    @property
    def outcome(self) -> str:
        """Return the file below a table's folder that keeps what came out."""
        return outcome_file(self.kind, self.name)

    def loaded(self) -> DataBundle:
        """Return the data, labels read and images not yet.

        Raises:
            InputError: there is no such data.
        """
        return load_data(*self.data)


@dataclass(frozen=True, kw_only=True)
class SearchRun(Run):
    """A search; its outcome is what its iterations cost and which architecture it found."""

    config: SearchConfig
    kind: ClassVar[str] = "search"

    @property
    def data(self) -> tuple[DataConfig, int]:
        """Return the data it reads."""
        return self.config.data, self.config.seed

    def perform(self, runs: Path) -> Outcome:
        """Search; return seconds by kind of iteration and phase, and network passes."""
        result = run_search(self.config, runs / self.name)
        record = read_search_run(result.path)
        return {
            "iterations": per_iteration(record),
            "found": result.winner.id,
            "parameters": result.winner.parameters,
            "passes": result.cost,
            "seconds": result.seconds,
        }


@dataclass(frozen=True, kw_only=True)
class TrainRun(Run):
    """A training of a zoo model, or of the cells that a search among the same runs found (`found_by`).

    `size` holds width and depth where they are not the card's, or the recipe's for found cells.
    """

    config: TrainConfig
    model: str | None = None
    found_by: str | None = None
    size: Mapping[str, int] = field(default_factory=dict)
    kind: ClassVar[str] = "train"

    @property
    def data(self) -> tuple[DataConfig, int]:
        """Return the data it reads."""
        return self.config.data, self.config.seed

    def needs(self, other: Run) -> bool:
        """Return whether it trains what the other finds."""
        return isinstance(other, SearchRun) and other.name == self.found_by

    def perform(self, runs: Path) -> Outcome:
        """Train; return parameters and held-out accuracy."""
        chosen: dict[str, Any] = dict(self.size)
        size: SizeConfig = replace(self.config.network, **chosen)
        arch = self.model or str(runs / str(self.found_by))
        data = self.loaded()
        network = network_spec(arch, size, data, said=tuple(self.size))
        config = replace(self.config, network=size_of(network, size))
        result = train(config, network, runs / self.name, data=data)
        write_train_report(runs / self.name)
        return {
            "parameters": network.parameters(),
            "epoch": result.epoch,
            "held_out_accuracy": result.held_out_accuracy,
            "learned_nothing": result.learned_nothing,
        }


@dataclass(frozen=True, kw_only=True)
class EvaluateRun(Run):
    """An evaluation of a trained network by both protocols, and by FGSM where the table has that column."""

    trained: TrainRun
    strengths: tuple[float, ...]
    suite: str
    fgsm: bool = False
    kind: ClassVar[str] = "evaluate"

    @property
    def data(self) -> tuple[DataConfig, int]:
        """Return the data it reads."""
        return self.trained.data

    def needs(self, other: Run) -> bool:
        """Return whether it evaluates what the other trains."""
        return other == self.trained

    def perform(self, runs: Path) -> Outcome:
        """Evaluate; return accuracies as fractions by protocol, strengths as text."""
        run = str(runs / self.name)
        strengths = [format_strength(strength) for strength in self.strengths]
        found = run_evaluate(run, strengths=strengths, protocol="both", suite=self.suite, progress=False)
        outcome: Outcome = {protocol: _accuracies(result) for protocol, result in found.items()}
        strict = found["strict"]
        outcome |= {"images": strict.images, "natural": strict.clean_accuracy, "doubts": strict.doubts}
        if self.fgsm:
            folder = str(runs / self.name / FGSM_FOLDER)
            (one,) = run_evaluate(run, strengths=[FGSM_STRENGTH], attacks="fgsm", out=folder, progress=False).values()
            outcome["fgsm"] = one.accuracy[0]
        return outcome


def _accuracies(result: Evaluation) -> dict[str, float]:
    return {format_strength(strength): value for strength, value in zip(result.strengths, result.accuracy)}

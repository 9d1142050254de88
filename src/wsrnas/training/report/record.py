"""What the files of a training say, ready for its page and its model card."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from wsrnas.errors import refuse
from wsrnas.files import read_json, read_lines, read_object, read_settings
from wsrnas.models.budget import read_budget
from wsrnas.networks.budget import Budget
from wsrnas.training.folder import EXTENSIONS
from wsrnas.types import format_strength, parse_strengths

Line = dict[str, Any]
RESTORE = "restore the file, or train again in another folder"
REMEDY = "give the folder that `wsrnas train` wrote"


@dataclass(frozen=True, kw_only=True)
class TrainRecord:
    """A training as read from its folder; `result` is empty while it is not finished."""

    path: Path
    config: dict[str, Any]
    env: dict[str, Any]
    result: dict[str, Any]
    extensions: list[Line]
    metrics: list[Line]
    timings: list[Line]
    budget: Budget | None = None
    members: list[TrainRecord] = field(default_factory=list)

    @property
    def network(self) -> dict[str, Any]:
        """Return the description of the network."""
        found = self.config.get("trains")
        return found if isinstance(found, dict) else {}

    @property
    def architecture(self) -> str:
        """Return what the network is, in a few words."""
        described = self.network
        if described.get("kind") == "ensemble":
            members = described.get("members") or [{}]
            return f"{len(members)} × {_name(members[0])}"
        return _name(described)

    @property
    def data(self) -> str:
        """Return the name of the data set."""
        return str(self.setting("data.name", "unknown data"))

    @property
    def epochs(self) -> int:
        """Return how many epochs were asked for."""
        return int(self.setting("epochs", 0))

    @property
    def chance(self) -> float | None:
        """Return the accuracy of guessing among equally common classes; None where their number is not known."""
        described = self.network.get("config")
        classes = described.get("num_classes") if isinstance(described, dict) else None
        return 1 / classes if isinstance(classes, int) and classes > 0 else None

    @property
    def strengths(self) -> tuple[float, ...]:
        """Return the spectrum asked for, without 0; else 1/2, 1 and 2 times what held-out images were attacked with.

        Empty where neither is known.
        """
        asked, attacked = self.setting("strengths"), self.result.get("strength")
        if asked is not None:
            return tuple(strength for strength in parse_strengths(asked) if strength > 0)
        return tuple(attacked * factor for factor in (0.5, 1, 2) if attacked * factor <= 1) if attacked else ()

    def setting(self, dotted: str, default: Any = None) -> Any:
        """Return a setting of config.yaml by its dotted name."""
        value: Any = self.config
        for part in dotted.split("."):
            if not isinstance(value, dict) or part not in value:
                return default
            value = value[part]
        return value

    def column(self, key: str) -> tuple[list[int], list[float]]:
        """Return the epochs in which a number was measured, and the numbers."""
        pairs = [(line.get("epoch"), line.get(key)) for line in self.metrics]
        found = [(epoch, value) for epoch, value in pairs if isinstance(epoch, int) and _is_number(value)]
        return [epoch for epoch, _ in found], [float(value) for _, value in found]


def read_train_run(path: Path) -> TrainRecord:
    """Read the folder of a training, finished or not.

    Raises:
        InputError: no such folder, not a training, a damaged file, or no epoch yet.
    """
    record = _read_run(path)
    if not any(one.metrics for one in (record, *record.members)):
        remedy = "start the same command again; it goes on where it stopped"
        refuse("RUN", expected="a training with at least one epoch done", got=f"{path}, with none", remedy=remedy)
    return record


def _read_run(path: Path) -> TrainRecord:
    if not (path / "config.yaml").is_file():
        refuse("RUN", expected="the folder of a training, with config.yaml", got=str(path), remedy=REMEDY)
    env = read_object(path / "env.json", remedy=RESTORE)
    if env.get("kind", "train") != "train":
        refuse("RUN", expected="a training", got=f"{path}, a {env['kind']} run", remedy=REMEDY)
    members = sorted((path / "members").glob("*/config.yaml"), key=lambda file: file.parent.name.zfill(9))
    return TrainRecord(
        path=path,
        config=read_settings(path / "config.yaml", remedy=RESTORE),
        env=env,
        result=read_object(path / "result.json", remedy=RESTORE),
        extensions=_listed(path / EXTENSIONS),
        metrics=read_lines(path / "metrics.jsonl", remedy=RESTORE),
        timings=read_lines(path / "timings.jsonl", remedy=RESTORE),
        budget=read_budget(path),
        members=[_read_run(member.parent) for member in members],
    )


def next_commands(record: TrainRecord) -> list[tuple[str, str]]:
    """Return the commands to go on with, each with a sentence that says what it does.

    A network that has learned nothing can only be trained longer.
    """
    run = str(record.path)
    strengths = ",".join(["0", *map(format_strength, record.strengths)])
    evaluate = ["wsrnas", "evaluate", run, *(["--strengths", strengths] if record.strengths else [])]
    again = ["wsrnas", "train", "--recipe", f"{run}/config.yaml"]
    for part in ("loss", "schedule"):
        name = str(record.setting(f"{part}.name", ""))
        again += [f"--{part}.name", name] if ":" in name else []  # a file may not import code, a command may
    seed = int(record.setting("seed", 0)) + 1
    go_on = (
        shlex.join([*again, "--epochs", str(2 * record.epochs), "--out", run]),
        "Go on for as many epochs again, from where it stands:",
    )
    if record.result.get("learned_nothing"):
        return [go_on]
    return [
        (shlex.join(evaluate), "Measure it on the test set, over the whole spectrum of strengths:"),
        (shlex.join(["wsrnas", "check", run]), "Look for signs that such a measurement deceives:"),
        go_on,
        (
            shlex.join([*again, "--seed", str(seed), "--out", f"{run}-seed{seed}"]),
            "Train once more with another seed: one training says little about a method:",
        ),
    ]


def extension_text(line: Line) -> str:
    """Return what it means that a training was given more epochs."""
    return (
        f"This training was first meant to end after epoch {line.get('epochs_before')}, and then went on: from epoch "
        f"{line.get('from_epoch')} on the learning rate is that of a training of {line.get('epochs')} epochs, so one "
        "that has so many from the start gives another network."
    )


def words(value: object) -> str:
    """Write a setting as people read it: ``eps 0.1, steps 5``."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {words(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        return ", ".join(map(words, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _name(described: dict[str, Any]) -> str:
    shown = str(described.get("name", "an architecture"))
    if described.get("kind") == "genotype":
        genotype = described.get("genotype")
        shown = f"genotype {genotype.get('id', '?')}" if isinstance(genotype, dict) else "a genotype"
    activation = described.get("activation")
    return shown if activation is None else f"{shown} with {activation}"


def _is_number(value: object) -> TypeGuard[float | int]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _listed(path: Path) -> list[Line]:
    value = read_json(path, remedy=RESTORE) or []
    if not isinstance(value, list) or not all(isinstance(line, dict) for line in value):
        refuse(str(path), expected="a list of mappings", got="something else", remedy=RESTORE)
    return value

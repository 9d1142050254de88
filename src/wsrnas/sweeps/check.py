"""What can be said against a run before any is started."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from wsrnas.configure import instantiated, layered, nested
from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError, nearest, refuse
from wsrnas.evaluation.command import run_evaluate
from wsrnas.models.load import check_spec
from wsrnas.models.named import read_arch
from wsrnas.models.outside import OUTSIDE
from wsrnas.search.config import SearchConfig
from wsrnas.search.report.asked import check_sections
from wsrnas.sweeps.plan import SweepRun, flattened
from wsrnas.training.config import TrainConfig

OWN = ("run", "model", "out", "seed", "progress")
"""Arguments of an evaluation that a sweep gives itself."""
CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def check_run(run: SweepRun) -> DataConfig | None:
    """Refuse a run that its command would refuse; return the data it reads, None where a run folder says which.

    Raises:
        InputError: an unknown recipe, setting, architecture or model, a value that does not fit, or a module that
            nobody has vouched for; names the run.
    """
    try:
        if run.command == "evaluate":
            _check_evaluation(run)
            return None
        return _check_training(run)
    except InputError as error:
        raise InputError(f"{run.name}: {error}") from error


def check_data(configs: list[DataConfig]) -> None:
    """Refuse data that this machine does not have."""
    for config in {repr(config): config for config in configs}.values():
        load_data(config)


def _check_training(run: SweepRun) -> DataConfig:
    assert run.command != "evaluate"
    settings = {**run.settings, "seed": run.seed}
    if "seed" in run.settings:
        refuse("settings.seed", expected="none", got=run.settings["seed"], remedy="use seeds")
    values = layered(run.command, str(run.recipe), nested(settings))
    _refuse_imports(values)
    if run.command == "search":
        config = instantiated(SearchConfig, values)
        check_sections(config.sections)
        return config.data
    read_arch(str(run.architecture))
    return instantiated(TrainConfig, values).data


def _check_evaluation(run: SweepRun) -> None:
    known = [name for name in inspect.signature(run_evaluate).parameters if name not in (*OWN, "data")]
    known += [f"data.{one.name}" for one in fields(DataConfig)]
    for key in run.settings:
        if key not in known:
            expected = f"a setting of an evaluation ({', '.join(known)})"
            refuse(f"settings.{key}", expected=expected, got=key, remedy=nearest(key, known))
    model = str(run.architecture)
    _refuse_imports(run.settings if model.startswith(OUTSIDE) else {"architecture": model, **run.settings})
    check_spec(model, argument="architectures")


def _refuse_imports(settings: dict[str, Any]) -> None:
    """Refuse a file that names a module nobody has vouched for: importing it would run it."""
    for key, value in _named(flattened(settings)):
        module = value.partition(":")[0]
        if CLASS.fullmatch(value) and module not in sys.modules:
            refuse(key, expected="names that import nothing", got=value,
                   remedy=f"if you trust that module, add --import {module}")  # fmt: skip


def _named(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts among the settings, those of lists too, each with its key."""
    for key, value in settings.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, Mapping):
                yield from ((key, text) for _, text in _named(one))
            elif isinstance(one, str):
                yield from ((key, text.strip()) for text in one.split(","))

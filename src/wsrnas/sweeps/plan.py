"""A sweep's plan: which runs there are, each with a name that says what it is."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast, get_args

from wsrnas import recipes
from wsrnas.errors import nearest, one_of, refuse
from wsrnas.files import read_settings

Command = Literal["search", "train", "evaluate"]
COMMANDS: tuple[str, ...] = get_args(Command)
RECIPES = {"search": "digits", "train": "pgd-digits"}
"""The recipe of a command where a plan names none; an evaluation has none."""
MOST_RUNS = 10_000
SEEDS = "a list of whole numbers such as [0, 1, 2]"


@dataclass(frozen=True, kw_only=True)
class SweepRun:
    """One run of a sweep: a command with everything it needs; settings are dotted."""

    command: Command
    recipe: str | None
    architecture: str | None
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        """Return what it is, by column of the sweep's table."""
        named = {"command": self.command, "recipe": self.recipe, "architecture": self.architecture}
        found = {key: value for key, value in named.items() if value is not None}
        return {**found, **self.settings, "seed": self.seed}

    @cached_property
    def name(self) -> str:
        """Return the name of its folder: it depends on this run alone, and another run has another."""
        content: Any = self.recipe
        if self.command != "evaluate" and self.recipe is not None and self.recipe.endswith((".yaml", ".yml")):
            content = recipes.own_settings(self.command, self.recipe)
        every = [self.command, content, self.architecture, self.seed, sorted(self.settings.items())]
        digest = hashlib.sha256(json.dumps(every, default=str).encode()).hexdigest()[:8]
        words = [self.command, *(_word(text) for text in (self.recipe, self.architecture) if text)]
        return "-".join([*words, f"seed{self.seed}", digest])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a sweep runs: every recipe with every architecture, every combination of settings and every seed.

    Args:
        command: search, train or evaluate.
        recipe: one or several, shipped or files; the command's own default where there is none.
        seeds: of everything random in a run.
        architectures: what is trained, as `wsrnas train --arch` takes it; what is evaluated: run folders, zoo names or
            .onnx files. A search has none.
        settings: of the command, nested or dotted; a list is one run per element. A list of mappings is one after
            another, each multiplied out by itself. A value that is a list itself stands in another list, or as text.
        slurm: what submitit asks the scheduler for, such as ``{timeout_min: 60, slurm_partition: gpu}``.
    """

    command: str
    recipe: str | list[str] | None = None
    seeds: list[int] = field(default_factory=lambda: [0])
    architectures: str | list[str] | None = None
    settings: dict[str, Any] | list[dict[str, Any]] = field(default_factory=dict)
    slurm: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        one_of("command", self.command, COMMANDS)
        if not self.seeds or not all(type(one) is int and one >= 0 for one in self.seeds):
            refuse("seeds", expected=SEEDS, got=self.seeds)
        self._check_architectures()

    def _check_architectures(self) -> None:
        if self.command == "search" and self.architectures is not None:
            remedy = "leave it out: a search finds its own"
            refuse("architectures", expected="none for a search", got=self.architectures, remedy=remedy)
        if self.command != "search" and not _list(self.architectures):
            what = "zoo names, genotypes or searches" if self.command == "train" else "run folders or models"
            refuse("architectures", expected=f"what to {self.command}: {what}", got="none")
        if self.command == "evaluate" and self.recipe is not None:
            refuse("recipe", expected="none for an evaluation", got=self.recipe, remedy="put its settings in settings")

    def runs(self) -> list[SweepRun]:
        """Return every run, seeds innermost.

        Raises:
            InputError: the same run twice, too many runs, or a recipe file that cannot be read.
        """
        combinations = [one for group in _list(self.settings) or [{}] for one in _multiplied(group)]
        axes: list[list[Any]] = [
            _list(self.recipe) or [RECIPES.get(self.command)],
            _list(self.architectures) or [None],
            combinations,
            self.seeds,
        ]
        count = len(axes[0]) * len(axes[1]) * len(axes[2]) * len(axes[3])
        if count > MOST_RUNS:
            refuse("plan", expected=f"at most {MOST_RUNS:,} runs", got=f"{count:,}", remedy="divide it")
        found = [
            SweepRun(
                command=cast(Command, self.command),
                recipe=recipe,
                architecture=architecture,
                seed=seed,
                settings=chosen,
            )
            for recipe, architecture, chosen, seed in itertools.product(*axes)
        ]
        names = [run.name for run in found]
        if twice := next((name for name in names if names.count(name) > 1), None):
            refuse("plan", expected="every run once", got=f"{twice} twice", remedy="remove what is there twice")
        return found


def read_plan(plan: str | Path | Mapping[str, Any] | Plan) -> Plan:
    """Return a plan from a YAML file, a mapping, or as it is.

    Raises:
        InputError: no such file, no YAML mapping, an unknown key (suggests the nearest), or a value that does not fit.
    """
    if isinstance(plan, Plan):
        return plan
    if isinstance(plan, Mapping):
        return _plan(dict(plan), source="plan")
    path = Path(plan)
    if not path.is_file():
        refuse("PLAN", expected="an existing YAML file", got=str(plan))
    return _plan(read_settings(path, remedy="mend the plan"), source=str(plan))


def _plan(values: dict[Any, Any], *, source: str) -> Plan:
    known = [one.name for one in fields(Plan)]
    for key in values:
        if key not in known:
            refuse(source, expected=f"a plan with {', '.join(known)}", got=str(key), remedy=nearest(str(key), known))
    given = {key: value for key, value in values.items() if value is not None}
    if "command" not in given:
        refuse(source, expected=f"command: {' | '.join(COMMANDS)}", got="none")
    one_of("command", str(given["command"]), COMMANDS)
    for name, expected, kind, many in (
        ("recipe", "a text or a list of texts", str, True),
        ("architectures", "a text or a list of texts", str, True),
        ("settings", "a mapping of settings, or a list of them", dict, True),
        ("slurm", "a mapping of what submitit takes", dict, False),
    ):
        value = given.get(name, [])
        if not all(isinstance(one, kind) for one in _list(value)) or (value and not many and isinstance(value, list)):
            refuse(name, expected=expected, got=value)
    if not isinstance(given.get("seeds", []), list):
        refuse("seeds", expected=SEEDS, got=given["seeds"])
    if odd := [key for one in _list(given.get("settings")) for key in one if not isinstance(key, str)]:
        refuse("settings", expected="names of settings", got=odd[0])
    return Plan(**given)


def flattened(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings with dotted keys down to the last mapping."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        dotted = f"{prefix}{key}"
        found |= flattened(value, f"{dotted}.") if isinstance(value, Mapping) and value else {dotted: value}
    return found


def _multiplied(settings: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield every choice of one element from each list."""
    flat = flattened(settings)
    options = [value if isinstance(value, list) and value else [value] for value in flat.values()]
    for chosen in itertools.product(*options):
        yield dict(zip(flat, chosen))


def _list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _word(text: str) -> str:
    """Return what stands for a recipe or an architecture in the name of a folder."""
    place = Path(text)
    name = place.stem if place.suffix in (".yaml", ".yml", ".json", ".onnx") else place.name
    return re.sub(r"[^A-Za-z0-9.+]+", "-", name).strip("-.")[:40] or "run"

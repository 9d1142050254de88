"""What the files of a search run say, ready for its report and its model card."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from wsrnas import recipes
from wsrnas.configure import flat, instantiated
from wsrnas.errors import refuse
from wsrnas.estimators.loss import LOSS_ESTIMATORS
from wsrnas.estimators.loss.metrics import kendall_per_head
from wsrnas.files import read_object, read_settings, read_text
from wsrnas.models.budget import read_budget
from wsrnas.networks.budget import Budget
from wsrnas.recipes.renamed import refuse_renamed
from wsrnas.search.build import STRATEGIES
from wsrnas.search.config import SearchConfig
from wsrnas.search.report.lines import (
    AGAIN,
    ANEW,
    check_losses,
    read_comparison,
    read_metrics,
    read_result,
    read_timings,
)
from wsrnas.types import format_strength, parse_strengths

RunLine = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SearchRecord:
    """A search run as read from its folder; `result` is empty while the search is not finished."""

    path: Path
    config: dict[str, Any]
    env: dict[str, Any]
    result: dict[str, Any]
    comparison: dict[str, Any]
    genotype: dict[str, Any]
    cell: str
    metrics: list[RunLine]
    timings: list[RunLine]
    budget: Budget | None = None

    @property
    def strengths(self) -> tuple[float, ...]:
        """Return all strengths of the search, ascending."""
        if "strengths" in self.result:
            return tuple(float(strength) for strength in self.result["strengths"])
        return parse_strengths(self.setting("spectrum.strengths", ""), argument="spectrum.strengths")

    @property
    def loss_names(self) -> list[str]:
        """Return the name of each loss, index 0 clean."""
        return ["clean", *(format_strength(strength) for strength in self.strengths)]

    @property
    def labelled(self) -> list[RunLine]:
        """Return the iterations that measured losses."""
        return [line for line in self.metrics if line.get("losses")]

    @property
    def predicted(self) -> list[RunLine]:
        """Return the iterations whose losses were estimated before they were measured."""
        return [line for line in self.labelled if line.get("predicted")]

    @property
    def phase_marks(self) -> dict[float | int, str]:
        """Return where the search phase begins, for figures over the iterations."""
        phases = [str(line.get("phase")) for line in self.labelled]
        if "search" not in phases or phases[0] == "search":
            return {}
        return {int(self.labelled[phases.index("search")]["iteration"]) - 0.5: "ψ chooses from here"}

    def means(self, field: str) -> dict[str, float]:
        """Return the mean over the search of what `field` holds per estimated strength: "fidelity", "loss_error"."""
        found: dict[str, list[float]] = {}
        for line in self.metrics:
            for key, value in (line.get(field) or {}).items():
                if value is not None:
                    found.setdefault(key, []).append(float(value))
        return {key: statistics.fmean(found[key]) for key in sorted(found, key=float)}

    @property
    def taus(self) -> list[float]:
        """Return Kendall τ per loss of what ψ estimated before measuring; empty where too little was estimated."""
        if len(self.predicted) < 3:
            return []
        estimated = torch.tensor([line["predicted"] for line in self.predicted], dtype=torch.float64)
        measured = torch.tensor([line["losses"] for line in self.predicted], dtype=torch.float64)
        return kendall_per_head(estimated, measured)

    @property
    def strategy(self) -> str:
        """Return the name of the strategy."""
        return str(self.setting("strategy.name", "wsr-nas"))

    @property
    def method(self) -> str:
        """Return how the search went about it, in words: the preset, or the rival strategy, and what was set of it."""
        own: dict[str, Any] = dict(self.setting("strategy.settings") or {})
        if self.strategy != "wsr-nas":
            changed = ", ".join(f"{key} {value}" for key, value in own.items())
            return f"strategy {self.strategy}" + (f" ({changed})" if changed else "")
        preset = str(self.setting("preset", "ours"))
        usual = recipes.PRESETS.get(preset, {}).get("strategy", {}).get("settings", {})
        changed = ", ".join(f"{key} {value}" for key, value in own.items() if usual.get(key) != value)
        return f"Wsr-NAS, preset {preset}" + (f" ({changed})" if changed else "")

    @property
    def data(self) -> str:
        """Return the name of the data set."""
        return str(self.setting("data.name", "unknown data"))

    @property
    def trained_alone(self) -> bool:
        """Return whether candidates were trained alone; else they shared weights."""
        return bool(self.setting("evaluator", "one_shot") == "trained")

    @property
    def search_config(self) -> SearchConfig:
        """Return the settings as the search had them.

        Raises:
            InputError: settings of another version, the first of which is named, or parts of a module that nobody has
                vouched for: a file alone imports nothing.
        """
        where = str(self.path / "config.yaml")
        refuse_renamed("search", flat(self.config), where=where)
        STRATEGIES.kind(self.strategy, argument=f"{where}, strategy.name", imports=False)
        psi = (self.setting("strategy.settings") or {}).get("loss_estimator")
        if isinstance(psi, str):
            LOSS_ESTIMATORS.kind(psi, argument=f"{where}, strategy.settings.loss_estimator", imports=False)
        return instantiated(SearchConfig, self.config)

    def setting(self, dotted: str, default: Any = None) -> Any:
        """Return a setting of config.yaml by its dotted name."""
        value: Any = self.config
        for part in dotted.split("."):
            if not isinstance(value, dict) or part not in value:
                return default
            value = value[part]
        return value


def read_search_run(path: Path) -> SearchRecord:
    """Read the folder of a search, finished or not.

    Raises:
        InputError: no such folder, not a search, a damaged file, or no iteration yet.
    """
    remedy = "give the folder that `wsrnas search` wrote"
    if not (path / "config.yaml").is_file():
        refuse("RUN", expected="the folder of a search run, with config.yaml", got=str(path), remedy=remedy)
    env = read_object(path / "env.json", remedy=AGAIN)
    if env.get("kind", "search") != "search":
        refuse("RUN", expected="a search run", got=f"{path}, a {env['kind']} run", remedy=remedy)
    config = read_settings(path / "config.yaml", remedy=ANEW)
    metrics, timings = read_metrics(path / "metrics.jsonl"), read_timings(path / "timings.jsonl")
    if not metrics:
        remedy = "start the same search command again; it goes on where it stopped"
        refuse("RUN", expected="a search with at least one iteration done", got=f"{path}, with none", remedy=remedy)
    cell = path / "cell.svg"
    record = SearchRecord(
        path=path,
        config=config,
        env=env,
        result=read_result(path / "result.json"),
        comparison=read_comparison(path / "comparison.json"),
        genotype=read_object(path / "genotype.json", remedy=AGAIN),
        cell=read_text(cell, remedy=AGAIN) if cell.is_file() else "",
        metrics=metrics,
        timings=timings,
        budget=read_budget(path),
    )
    check_losses(metrics, record.result, len(record.loss_names), path)
    return record

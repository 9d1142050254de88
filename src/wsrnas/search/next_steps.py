"""The commands to go on with after a search: right for its data, sizes and strengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wsrnas import recipes
from wsrnas.data import DataConfig
from wsrnas.parts import modules_in
from wsrnas.search.config import SearchConfig
from wsrnas.types import format_strength, parse_strength, parse_strengths

AMOUNTS = ("train_limit", "valid_limit", "test_limit", "valid_fraction")
"""How much of the data is used is the recipe's affair, unless the search was told otherwise than its recipe says."""


def train_command(config: SearchConfig, run: Path, out: Path) -> list[str]:
    """Return the command that trains the winner from scratch, on the search's data and at its training strength."""
    recipe = recipes.load("train", config.train_recipe)
    command = ["wsrnas", "train", "--arch", str(run), "--recipe", config.train_recipe]
    usual = {**asdict(DataConfig()), **recipe.get("data", {})}
    for key, value in _data(config).items():
        if value != usual[key]:
            command += [f"--data.{key}", "null" if value is None else str(value)]
    trained_at = recipe.get("loss", {}).get("settings", {}).get("eps")
    if trained_at is not None and parse_strength(trained_at) != config.trained_at():
        command += ["--loss.settings.eps", format_strength(config.trained_at())]
    strengths = ",".join(map(format_strength, config.spectrum.all_strengths()))
    usual_strengths = recipe.get("strengths")
    if usual_strengths is None or parse_strengths(usual_strengths) != config.spectrum.all_strengths():
        command += ["--strengths", strengths]
    if config.seed:
        command += ["--seed", str(config.seed)]
    return [*command, *_imports([config.space.name]), "--out", str(out)]


def evaluate_command(config: SearchConfig, trained: Path) -> list[str]:
    """Return the command that measures a trained network on the test set over the search's spectrum."""
    strengths = ",".join(["0", *map(format_strength, config.spectrum.all_strengths())])
    return ["wsrnas", "evaluate", str(trained), "--strengths", strengths, *_imports([config.space.name])]


def again_command(config: SearchConfig, run: Path) -> list[str]:
    """Return the command that searches once more, with all of the run's own settings and another seed."""
    seed = config.seed + 1
    return [
        *("wsrnas", "search", "--recipe", str(run / "config.yaml")),
        *("--seed", str(seed), "--out", f"{run}-seed{seed}"),
        *_imports(
            [
                config.strategy.name,
                str(config.strategy.settings.get("loss_estimator", "")),
                config.space.name,
                config.noise_estimator.name,
                str(config.sections),
            ]
        ),
    ]


def _imports(texts: Sequence[str]) -> list[str]:
    """Return the options that vouch for the modules of parts that are named by their path, as a file may not."""
    modules = dict.fromkeys(module for text in texts for module in modules_in(text))
    return [word for module in modules for word in ("--import", module)]


def _data(config: SearchConfig) -> dict[str, Any]:
    """Return the data settings a training has to share with the search."""
    used = asdict(config.data)
    own = {**asdict(DataConfig()), **recipes.settings_of("search", config.recipe).get("data", {})}
    return {key: value for key, value in used.items() if key not in AMOUNTS or value != own[key]}

"""`wsrnas search` and `report`: commands that make run folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from wsrnas.cli.settings import Parser, parse_config
from wsrnas.data import DataConfig
from wsrnas.errors import refuse
from wsrnas.search.config import SearchConfig


def search(arguments: Sequence[str]) -> int:
    """Find a robust architecture, then report."""
    parser = Parser(prog="wsrnas search", description=search.__doc__)
    parser.add_argument("--out", default=None, help="run folder (default: runs/RECIPE-PRESET-seedSEED)")
    parser.add_argument("--dry-run", action="store_true", help="print network passes and hours, then stop")
    parser.add_argument("--then-train", action="store_true", help="train what was found, and evaluate it")
    config, options = parse_config(SearchConfig, "search", parser, arguments, default="digits")
    if options.dry_run:
        from wsrnas.search.plan import plan

        print(plan(config))
        return 0
    from wsrnas.search.run import search as run_search

    out = Path(options.out or f"runs/{_stem(config.recipe)}-{config.preset}-seed{config.seed}")
    report = run_search(config, out)
    _print_result(out)
    if options.then_train:
        _then_train(config, out)
    print(f"report: {report}")
    return 0


def report(arguments: Sequence[str]) -> int:
    """Render the report of a run folder again."""
    from wsrnas.search.report.page import write_search_report

    parser = Parser(prog="wsrnas report", description=report.__doc__)
    parser.add_argument("run", help="a search run")
    options = parser.parse_args(list(arguments))
    path = Path(options.run)
    if not (path / "metrics.jsonl").is_file():
        refuse("run", expected="the folder of a search run", got=options.run)
    print(f"report: {write_search_report(path)}")
    return 0


def _then_train(config: SearchConfig, out: Path) -> None:
    from wsrnas.cli.measure import evaluate
    from wsrnas.cli.train import train

    trained = out / "trained"
    data = [f"--data.{key}={value}" for key, value in _data_options(config).items()]
    train(
        [
            f"--arch={out / 'genotype.json'}",
            f"--recipe={config.train_recipe}",
            f"--out={trained}",
            f"--seed={config.seed}",
            *data,
        ]
    )
    strengths = ",".join(f"{strength:g}" for strength in (0.0, *config.spectrum.all_strengths()))
    # A first look: the default suite is for tables and takes about twenty times as long.
    evaluate([str(trained), f"--strengths={strengths}", f"--seed={config.seed}", "--suite=fast"])


def _data_options(config: SearchConfig) -> dict[str, object]:
    """Return which data a search used, for the training that follows it; how much of it is the recipe's affair."""
    amounts = ("train_limit", "valid_limit", "test_limit", "valid_fraction")
    default, used = asdict(DataConfig()), asdict(config.data)
    changed = {key: value for key, value in used.items() if value != default[key] and key not in amounts}
    return {"name": config.data.name, **changed}


def _print_result(out: Path) -> None:
    from wsrnas.files import read_json

    result: Any = read_json(out / "result.json")
    comparison: Any = read_json(out / "comparison.json")
    console = Console()
    table = Table(title=f"winner {result['winner']['id']} ({result['winner']['parameters']:,} weights)")
    table.add_column("strength")
    strengths = [0.0, *result["strengths"]]
    for strength in strengths:
        table.add_column("clean" if strength == 0 else f"{strength:g}", justify="right")
    table.add_row("loss, one-shot, PGD", *_losses(result["winner"]["losses"], len(strengths)))
    how = "alone" if result["verified_by"] == "training alone" else "one-shot"
    table.add_row(f"loss, {how}, APGD", *_losses(result["winner"]["verified_losses"], len(strengths)))
    if comparison:
        table.add_row("accuracy, trained alone", *(f"{value:.1%}" for value in comparison["winner"]["accuracy"]))
        means = (f"{mean:.1%}" for mean, _ in comparison["random_mean_sd"])
        table.add_row(f"mean of {len(comparison['random'])} random", *means)
    console.print(table)
    for warning in result["warnings"]:
        console.print(f"note: {warning}")


def _losses(losses: list[float] | None, count: int) -> list[str]:
    return ["–"] * count if losses is None else [f"{loss:.3f}" for loss in losses]


def _stem(recipe: str) -> str:
    return Path(recipe).stem

"""`wsrnas search`: find a robust architecture, then report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from wsrnas.cli.settings import Parser, parse_config
from wsrnas.runs.loggers import logged
from wsrnas.runtime import processes
from wsrnas.search.build import STRATEGIES
from wsrnas.search.config import SearchConfig
from wsrnas.search.next_steps import evaluate_command, train_command
from wsrnas.search.result import SearchResult
from wsrnas.types import format_strength


def search(arguments: Sequence[str]) -> int:
    """Find a robust architecture, then report."""
    parser = Parser(prog="wsrnas search", description=search.__doc__)
    parser.add_argument("--out", default=None, help="run folder (default: runs/RECIPE-PRESET-seedSEED)")
    parser.add_argument("--dry-run", action="store_true", help="print network passes and time, then stop")
    parser.add_argument("--then-train", action="store_true", help="train what was found, and evaluate it")
    parser.add_argument("--log", default=None, help="show metrics elsewhere too: tensorboard, wandb, mlflow")
    config, options = parse_config(
        SearchConfig, "search", parser, arguments, default="digits", parts={"strategy": STRATEGIES}
    )
    for note in config.notes():
        print(f"note: {note}")
    if options.dry_run:
        from wsrnas.search.plan import plan

        print(plan(config))
        return 0
    from wsrnas import api

    with logged(options.log):
        result = api.search(config, out=options.out)
    if processes.is_first():
        show(result)
    if options.then_train:
        then_train(config, result.path)
    print(f"report: {result.report}")
    return 0


def then_train(config: SearchConfig, run: Path) -> None:
    """Train the winner inside the run, on the search's data and strength, and evaluate it over its spectrum."""
    from wsrnas.cli import main

    trained = run / "trained"
    # A first look: the default suite is for tables and takes about twenty times as long.
    for command in (train_command(config, run, trained), [*evaluate_command(config, trained), "--suite=fast"]):
        code = main(command[1:])
        if code != 0:
            raise SystemExit(code)


def show(result: SearchResult) -> None:
    """Print the winner's losses, and its accuracies where rivals were trained."""
    console = Console()
    table = Table(title=f"winner {result.winner.id} ({result.winner.parameters:,} weights)")
    table.add_column("strength")
    names = ["clean", *(format_strength(strength) for strength in result.strengths)]
    for name in names:
        table.add_column(name, justify="right")
    label = "trained briefly" if result.evaluator == "trained" else "one-shot"
    table.add_row(f"loss, {label}, PGD", *_losses(result.winner.losses, len(names)))
    how = "alone" if result.verified_by == "training alone" else "one-shot"
    table.add_row(f"loss, {how}, APGD", *_losses(result.winner.verified_losses, len(names)))
    if result.comparison is not None:
        won, rivals = result.comparison["winner"], result.comparison["random"]
        table.add_row("accuracy, trained alone", *(f"{value:.1%}" for value in won["accuracy"]))
        means = (f"{mean:.1%}" for mean, _ in result.comparison["random_mean_sd"])
        table.add_row(f"mean of {len(rivals)} random", *means)
    console.print(table)
    for said in result.data.get("notes", ()):
        print(f"data: {said}")
    for warning in (*result.warnings, result.learned_nothing):
        if warning:
            print(f"note: {warning}")


def _losses(losses: Sequence[float] | None, count: int) -> list[str]:
    return ["–"] * count if losses is None else [f"{loss:.3f}" for loss in losses]

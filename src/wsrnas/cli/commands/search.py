"""`wsrnas search`: find a robust architecture, then report."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from wsrnas.cli.as_json import add_json, only_result, print_json
from wsrnas.cli.settings import Parser, parse_config
from wsrnas.errors import one_of
from wsrnas.evaluation.text import to_blocks
from wsrnas.runs.loggers import logged
from wsrnas.runtime import processes
from wsrnas.search.build import STRATEGIES
from wsrnas.search.config import SearchConfig
from wsrnas.search.finalists.gain import spoken
from wsrnas.search.next_steps import evaluate_command, train_command
from wsrnas.search.pareto import SIZES
from wsrnas.search.report.sections.front import size_text
from wsrnas.search.result import SearchResult
from wsrnas.types import format_strength


def search(arguments: Sequence[str]) -> int:
    """Find a robust architecture, then report."""
    parser = Parser(prog="wsrnas search", description=search.__doc__)
    parser.add_argument("--out", default=None, help="run folder (default: runs/RECIPE-PRESET-seedSEED)")
    parser.add_argument("--dry-run", action="store_true", help="print network passes and time, then stop")
    parser.add_argument("--then-train", action="store_true", help="train what was found, and evaluate it")
    parser.add_argument(
        "--pareto",
        nargs="?",
        const="params",
        default=None,
        help="print the front of Eq. 10 against params or latency: genotype files in the run's folder",
    )
    parser.add_argument("--log", default=None, help="show metrics elsewhere too: tensorboard, wandb, mlflow")
    add_json(parser, "the result, or with --dry-run the plan,")
    config, options = parse_config(
        SearchConfig,
        "search",
        parser,
        arguments,
        default="digits",
        parts={"strategy": STRATEGIES},
        listed=("sections",),
    )
    if options.pareto is not None:
        one_of("--pareto", options.pareto, tuple(SIZES))
    with only_result(options.json):
        for note in config.notes():
            print(f"note: {note}")
    if options.dry_run:
        from wsrnas.search.plan import plan

        planned = plan(config)
        if options.json:
            print_json(planned.to_dict())
        else:
            print(planned)
        return 0
    from wsrnas import api

    with only_result(options.json):
        with logged(options.log):
            result = api.search(config, out=options.out, pareto=options.pareto or "params")
        if processes.is_first():
            show(result)
        if options.pareto is not None and processes.is_first():
            show_front(result, options.pareto)
        if options.then_train:
            then_train(config, result.path)
        print(f"report: {result.report}")
    if options.json and processes.is_first():
        print_json({"path": result.path, **result.to_json(), "comparison": result.comparison, "report": result.report})
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
    names = ["clean", *(format_strength(strength) for strength in result.strengths)]
    label = "trained briefly" if result.evaluator == "trained" else "one-shot"
    rows = [[f"loss, {label}, PGD", *_losses(result.winner.losses, len(names))]]
    how = "alone" if result.verified_by == "training alone" else "one-shot"
    rows.append([f"loss, {how}, APGD", *_losses(result.winner.verified_losses, len(names))])
    if result.comparison is not None:
        won, rivals = result.comparison["winner"], result.comparison["random"]
        rows.append(["accuracy, trained alone", *(f"{value:.1%}" for value in won["accuracy"])])
        means = (f"{mean:.1%}" for mean, _ in result.comparison["random_mean_sd"])
        rows.append([f"mean of {len(rivals)} random", *means])
    print(f"winner {result.winner.id} ({result.winner.parameters:,} weights)\n")
    print(to_blocks(["strength", *names], rows))
    if (compared := result.comparison) is not None and "gain" in compared:
        many = f"{len(compared['random'])} random architectures of its size, all trained alike"
        print(textwrap.fill(f"winner less the mean of {many}: {spoken(compared['gain'])}", 80))
    for said in result.data.get("notes", ()):
        print(f"data: {said}")
    for warning in (*result.warnings, result.learned_nothing):
        if warning:
            print(f"note: {warning}")


def show_front(result: SearchResult, by: str) -> None:
    """Print the architectures that no other beats in Eq. 10 and size, each with its file."""
    print(f"\nfront: objective (Eq. 10) against {SIZES[by]}, of what the search measured")
    print(f"{SIZES[by]:>14}  {'objective':>9}  for wsrnas train --arch")
    for point in result.front(by):
        print(f"{size_text(point.size, by):>14}  {point.score:>9.4f}  {point.path}")


def _losses(losses: Sequence[float] | None, count: int) -> list[str]:
    return ["–"] * count if losses is None else [f"{loss:.3f}" for loss in losses]

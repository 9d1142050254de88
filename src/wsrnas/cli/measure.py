"""`wsrnas evaluate`, `check` and `compare`: what is true of a trained network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from rich.console import Console
from rich.table import Table

from wsrnas.cli.settings import Parser, given
from wsrnas.data import DataConfig
from wsrnas.evaluation.command import STRENGTHS, output_folder, run_check, run_compare, run_evaluate
from wsrnas.evaluation.suites import SUITES
from wsrnas.types import format_strength


def evaluate(arguments: Sequence[str]) -> int:
    """Measure accuracy over a spectrum of attack strengths."""
    parser = _parser("evaluate", evaluate.__doc__)
    parser.add_argument("--strengths", "--eps", type=str, default=STRENGTHS, help="0,2/255,8/255 or first:last:count")
    parser.add_argument("--protocol", default="strict", help="strict, released or both")
    parser.add_argument("--suite", default=None, help=", ".join(SUITES))
    parser.add_argument("--every-image", action="store_true", help="run every attack on every image: slower")
    parser.add_argument(
        "--interval", type=float, default=None, help="widest 95-percent interval wanted, as +- fraction"
    )
    parser.add_argument("--batch_size", type=int, default=None, help="images per batch")
    options = parser.instantiate(parser.parse_args(list(arguments)))
    found = run_evaluate(
        options.run,
        model=options.model,
        weights=options.weights,
        strengths=options.strengths,
        protocol=options.protocol,
        suite=options.suite,
        norm=options.norm,
        data=_data(options, arguments),
        limit=options.limit,
        interval=options.interval,
        batch_size=options.batch_size,
        every_image=options.every_image,
        device=options.device,
        out=options.out,
        seed=options.seed,
    )
    for result in found.values():
        table = Table(title=f"accuracy, {result.protocol} protocol, {len(result.survives)} images (95 % intervals)")
        table.add_column("strength", justify="right")
        for column in ("accuracy", "interval", "raw"):
            table.add_column(column, justify="right")
        rows = zip(result.strengths, result.accuracy, result.ci_low, result.ci_high, result.raw_accuracy)
        for strength, accuracy, low, high, raw in rows:
            name = "clean" if strength == 0 else format_strength(strength)
            table.add_row(name, f"{accuracy:.1%}", f"{low:.1%} – {high:.1%}", f"{raw:.1%}")
        Console().print(table)
        for doubt in result.doubts:
            print(doubt)
    place = output_folder(options.run, options.model, options.out) / "eval"
    if note := json.loads((place / "about.json").read_text())["note"]:
        print(note)
    print(f"report: {place / 'report.html'}")
    return 0


def check(arguments: Sequence[str]) -> int:
    """Look for signs that a robustness measurement deceives; exits with 1 when there are any."""
    parser = _parser("check", check.__doc__)
    parser.add_argument("--others", nargs="+", default=[], help="other models whose noise should break no more images")
    options = parser.instantiate(parser.parse_args(list(arguments)))
    verdict = run_check(
        options.run,
        model=options.model,
        weights=options.weights,
        data=_data(options, arguments),
        limit=options.limit or 256,
        norm=options.norm,
        others=options.others,
        device=options.device,
        out=options.out,
        seed=options.seed,
    )
    print(verdict)
    return verdict.exit_code


def compare(arguments: Sequence[str]) -> int:
    """Put evaluated runs and the paper's rows in one table and one figure."""
    parser = Parser(prog="wsrnas compare", description=compare.__doc__)
    parser.add_argument("runs", nargs="+", help="evaluated run folders")
    parser.add_argument("--out", default=None, help="folder for compare.md, .csv, .svg and .html")
    parser.add_argument("--reference", default=None, help="the run the others are compared with; default: the first")
    parser.add_argument("--no-paper", action="store_true", help="leave out the paper's rows")
    options = parser.parse_args(list(arguments))
    paper = False if options.no_paper else None
    print(run_compare(options.runs, out=options.out, paper=paper, reference=options.reference))
    return 0


def _parser(command: str, description: str | None) -> Parser:
    parser = Parser(prog=f"wsrnas {command}", description=description)
    parser.add_argument("run", nargs="?", default=None, help="a run folder")
    parser.add_argument("--model", default=None, help="package.module:callable, a .onnx file or a zoo name")
    parser.add_argument("--weights", default=None, help=".safetensors or .pt state dict for --model")
    parser.add_argument("--norm", default="Linf", help="Linf or L2")
    parser.add_argument("--limit", type=int, default=None, help="how many test images")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--out", default=None, help="folder written to (default: the run)")
    parser.add_argument("--seed", type=int, default=0, help="of all random starts")
    parser.add_class_arguments(DataConfig, "data")
    return parser


def _data(options: Any, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the data settings that were given; one given at its default still changes the run's."""
    names = [field.name for field in fields(DataConfig)]
    if given(arguments, "--data") is not None:
        return {name: getattr(options.data, name) for name in names}
    return {name: getattr(options.data, name) for name in names if given(arguments, f"--data.{name}") is not None}

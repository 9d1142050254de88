"""`wsrnas evaluate`: accuracy over a spectrum of attack strengths."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from wsrnas.attacks import ATTACKS
from wsrnas.cli.as_json import add_json, only_result, print_json
from wsrnas.cli.commands.subject import subject_options, subject_parser
from wsrnas.errors import one_of
from wsrnas.evaluation.command import EVERY, STRENGTHS, output_folder, run_evaluate
from wsrnas.evaluation.folder.about import read_about
from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.suites import SUITES
from wsrnas.evaluation.text import WIDTH, to_blocks
from wsrnas.runtime import processes

NOTATION = "name:setting=value:setting=value, or package.module:Class for one of your own"
IMAGE_BY_IMAGE = ("clean_correct", "survives", "minimum_norm")


def evaluate(arguments: Sequence[str]) -> int:
    """Measure accuracy over a spectrum of attack strengths."""
    parser = subject_parser("evaluate", evaluate.__doc__)
    defaults = "; ".join(f"{norm} {text}" for norm, text in STRENGTHS.items())
    parser.add_argument("--strengths", "--eps", default=None, help=f"0,2/255,8/255 or first:last:count ({defaults})")
    parser.add_argument("--protocol", default=next(iter(PROTOCOLS)), help=f"{', '.join(PROTOCOLS)} or {EVERY}")
    parser.add_argument(
        "--suite", default=None, help="; ".join(f"{name}, {one.purpose}" for name, one in SUITES.items())
    )
    parser.add_argument("--attacks", default=None, help=f"instead: {', '.join(ATTACKS.names())}; {NOTATION}")
    parser.add_argument("--every-image", action="store_true", help="run every attack on every image: slower")
    parser.add_argument(
        "--interval", type=float, default=None, help="widest 95-percent interval wanted, as +- fraction"
    )
    parser.add_argument("--batch_size", type=int, default=None, help="images per batch")
    add_json(parser, "the curves")
    options = parser.parse_args(list(arguments))
    one_of("--norm", options.norm, tuple(STRENGTHS))
    with only_result(options.json):
        found = run_evaluate(
            options.run,
            strengths=options.strengths,
            protocol=options.protocol,
            suite=options.suite,
            attacks=options.attacks,
            interval=options.interval,
            batch_size=options.batch_size,
            every_image=options.every_image,
            **subject_options(options, arguments),
        )
    if not processes.is_first():
        return 0
    place = output_folder(options.run, options.model, options.out) / "eval"
    if options.json:
        print_json({"protocols": {name: summary(result) for name, result in found.items()}, "folder": place})
        return 0
    for result in found.values():
        print(shown(result))
    about = read_about(place.parent)
    for note in (about["note"], *(f"data: {said}" for said in about["data"].get("notes", []))):
        if note:
            print(textwrap.fill(note, WIDTH))
    print(f"report: {place / 'report.html'}")
    return 0


def summary(result: Evaluation) -> dict[str, Any]:
    """Return a curve as JSON without what it holds of every image, which its file in `eval/` has."""
    values = result.to_dict()
    kept = {key: value for key, value in values.items() if key not in IMAGE_BY_IMAGE}
    return {**kept, "verified": {key: value for key, value in kept["verified"].items() if key not in IMAGE_BY_IMAGE}}


def shown(result: Evaluation) -> str:
    """Return a curve as a table for a terminal, with the doubts about it below."""
    title = f"accuracy, {result.protocol} protocol, {result.images} images (95 % intervals)"
    rows = zip(result.strengths, result.spelling.values(), result.accuracy, result.ci_low, result.ci_high)
    cells = [
        ["clean" if strength == 0 else text, f"{accuracy:.1%}", f"{low:.1%} – {high:.1%}", f"{raw:.1%}"]
        for (strength, text, accuracy, low, high), raw in zip(rows, result.raw_accuracy)
    ]
    table = to_blocks(["strength", "accuracy", "interval", "first attack alone"], cells)
    doubts = [textwrap.fill(f"doubt: {doubt}", WIDTH, subsequent_indent="  ") for doubt in result.doubts]
    asked = [] if result.queries is None else [f"queries: {result.queries:,} images that the model was asked about"]
    return "\n".join([title, "", table, *asked, *doubts])

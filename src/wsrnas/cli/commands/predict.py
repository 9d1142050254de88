"""`wsrnas predict`: classes of pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence

from wsrnas.api import predict as run_predict
from wsrnas.cli.settings import Parser
from wsrnas.errors import refuse
from wsrnas.evaluation.text import to_blocks, to_csv
from wsrnas.models.predict import Prediction

SHOWN = 3
WIDEST = 10_000
"""A line a picture, however long its path is."""


def predict(arguments: Sequence[str]) -> int:
    """Say which class pictures belong to, and how sure the network is."""
    parser = Parser(prog="wsrnas predict", description=predict.__doc__)
    forms = "a run folder, an exported file or folder, a network of `wsrnas zoo list`, or user/name of a hub"
    parser.add_argument("run", help=forms)
    parser.add_argument("paths", nargs="+", help="image files, or folders with images at any depth")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--csv", action="store_true", help="a line a picture, a column a class")
    parser.add_argument("--batch", type=int, default=128, help="pictures at once")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--resize", action="store_true", help="scale and convert pictures that do not fit the network")
    options = parser.parse_args(list(arguments))
    if options.json and options.csv:
        refuse("--json", expected="either --json or --csv", got="both", remedy="leave one of them out")
    found = run_predict(
        options.run, options.paths, batch_size=options.batch, device=options.device, resize=options.resize
    )
    if options.json:
        print(json.dumps([one.to_dict() for one in found], indent=1))
    elif options.csv:
        _csv(found)
    else:
        print(
            to_blocks(
                ["picture", "class", *[""] * (_columns(found) - 1)], [_cells(one) for one in found], width=WIDEST
            ),
            end="",
        )
    return 0


def _columns(found: Sequence[Prediction]) -> int:
    return min(SHOWN, len(found[0].probabilities))


def _cells(one: Prediction) -> list[str]:
    return [one.path, *(f"{name} {one.probabilities[name]:.1%}" for name in one.likeliest(SHOWN))]


def _csv(found: Sequence[Prediction]) -> None:
    names = list(found[0].probabilities)
    rows = [
        [one.path, one.label, *(f"{share:.6g}" for share in (one.probability, *map(one.probabilities.get, names)))]
        for one in found
    ]
    print(to_csv(["path", "class", "probability", *names], rows), end="")

"""`wsrnas zoo`, `recipes` and `doctor`: what there is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from wsrnas import recipes as shipped
from wsrnas.cli.settings import Parser
from wsrnas.errors import nearest, refuse
from wsrnas.files import write_atomic
from wsrnas.runs import environment

ZOO_ACTIONS = ("list", "show", "draw", "genotype")


def zoo(arguments: Sequence[str]) -> int:
    """List, show and draw published architectures."""
    from wsrnas import zoo as models
    from wsrnas.spaces import get_space

    parser = Parser(prog="wsrnas zoo", description=zoo.__doc__)
    parser.add_argument("action", help=" | ".join(ZOO_ACTIONS))
    parser.add_argument("name", nargs="?", default=None, help="a model, or a pattern such as wsrnet-* for list")
    parser.add_argument("--out", default=None, help="file for draw and genotype")
    options = parser.parse_args(list(arguments))
    if options.action not in ZOO_ACTIONS:
        refuse(
            "action", expected=" | ".join(ZOO_ACTIONS), got=options.action, remedy=nearest(options.action, ZOO_ACTIONS)
        )
    if options.action == "list":
        table = Table("name", "family", "weights", "status", "source")
        for name in models.list_models(options.name or "*"):
            card = models.card(name)
            weights = f"{card.parameters_millions:.2f} M" if card.parameters_millions else "–"
            table.add_row(name, card.family, weights, card.status, card.source)
        Console().print(table)
        return 0
    if options.name is None:
        refuse("name", expected="a model of the zoo", got="nothing", remedy="wsrnas zoo list shows them")
    if options.action == "show":
        print(json.dumps(asdict(models.card(options.name)), indent=1))
        return 0
    genotype = models.genotype(options.name)
    drawn = options.action == "draw"
    text = get_space(genotype.space).draw(genotype) if drawn else genotype.to_json() + "\n"
    if options.out is None and not drawn:
        print(text)
        return 0
    path = Path(options.out or f"{options.name}.svg")
    write_atomic(path, text)
    print(path)
    return 0


def recipes(arguments: Sequence[str]) -> int:
    """List the recipes, each with the first lines of its file."""
    parser = Parser(prog="wsrnas recipes", description=recipes.__doc__)
    parser.parse_args(list(arguments))
    table = Table("command", "recipe", "what it is")
    for command in ("search", "train"):
        for name in shipped.names(command):
            table.add_row(command, name, shipped.describe(command, name))
    Console().print(table)
    return 0


def doctor(arguments: Sequence[str]) -> int:
    """Say what this machine offers, and what is missing for which command."""
    parser = Parser(prog="wsrnas doctor", description=doctor.__doc__)
    parser.parse_args(list(arguments))
    table = Table("what", "found")
    for name, value in environment().items():
        table.add_row(name, str(value) if value is not None else "none")
    free = shutil.disk_usage(".").free / 2**30
    table.add_row("free disk here", f"{free:.1f} GiB")
    for extra, module in (("onnx (evaluate .onnx files)", "onnxruntime"), ("AutoAttack", "pyautoattack")):
        table.add_row(extra, "installed" if _importable(module) else "not installed: pip install 'wsrnas[onnx]'")
    Console().print(table)
    return 0


def _importable(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None

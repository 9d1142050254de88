"""`wsrnas recipes` and `doctor`: what there is."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from wsrnas import recipes as shipped
from wsrnas.cli.settings import Parser
from wsrnas.runs import environment


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

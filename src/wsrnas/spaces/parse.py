"""Published descriptions of architectures, read as data and never run as code."""

from __future__ import annotations

import ast
import re
from typing import Any

from wsrnas.errors import InputError, refuse
from wsrnas.networks.cells.nasbench201 import CELL_OPERATIONS
from wsrnas.networks.cells.operations import OPERATIONS
from wsrnas.spaces.checks import check_genotype, check_operations
from wsrnas.spaces.genotype import LARGEST_NODE, Cell, CellGenotype

DARTS_EXAMPLE = "Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), reduce=[…], reduce_concat=…)"
DARTS_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
NASBENCH201_EXAMPLE = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|none~1|none~2|"


def parse_darts(text: str, *, source: str = "genotype") -> CellGenotype:
    """Read the DARTS notation, optionally with `NAME =` before it; each pair of entries forms the next node."""
    try:
        tree = ast.parse(text.strip(), mode="exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{source}: expected text such as {DARTS_EXAMPLE}, got text that does not parse") from error
    calls = [node.value for node in tree.body if isinstance(node, (ast.Assign, ast.Expr))]
    if len(tree.body) != 1 or len(calls) != 1 or not isinstance(calls[0], ast.Call):
        refuse(source, expected=f"one {DARTS_EXAMPLE}", got=f"{len(tree.body)} statements" if tree.body else "nothing")
    call = calls[0]
    fields: dict[str, ast.expr] = dict(zip(DARTS_FIELDS, call.args))
    fields.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
    if not isinstance(call.func, ast.Name) or call.func.id != "Genotype" or sorted(fields) != sorted(DARTS_FIELDS):
        refuse(source, expected=DARTS_EXAMPLE, got=f"{ast.unparse(call.func)} with {', '.join(fields) or 'nothing'}")
    cells = []
    for name in ("normal", "reduce"):
        edges = _edges(fields[name], f"{source}, {name}")
        cells.append((name, Cell(edges, _concat(fields[f"{name}_concat"], f"{source}, {name}_concat"))))
    genotype = CellGenotype("darts", tuple(cells))
    return check_genotype(genotype, space="darts", cells=("normal", "reduce"), inputs=2, argument=source)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None


def _edges(node: ast.expr, source: str) -> tuple[tuple[str, int, int], ...]:
    pairs = _literal(node)
    shaped = isinstance(pairs, (list, tuple)) and all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs
    )
    if not shaped or not all(isinstance(op, str) and type(start) is int for op, start in pairs):
        refuse(source, expected="a list of ('operation', node) pairs", got=ast.unparse(node)[:80])
    if not pairs or len(pairs) % 2:
        refuse(source, expected="an even number of entries, two per node", got=f"{len(pairs)}")
    check_operations((operation for operation, _ in pairs), OPERATIONS, argument=source)
    return tuple((operation, start, 2 + i // 2) for i, (operation, start) in enumerate(pairs))


def _concat(node: ast.expr, source: str) -> tuple[int, ...]:
    value: Any
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and not node.keywords:
        bounds = [_literal(argument) for argument in node.args]
        small = all(type(bound) is int and abs(bound) <= LARGEST_NODE for bound in bounds)
        value = range(*bounds) if small and 1 <= len(bounds) <= 2 else None
    else:
        value = _literal(node)
    if not isinstance(value, (list, tuple, range)) or not all(type(item) is int for item in value):
        refuse(source, expected="a list of nodes or range(first, end)", got=ast.unparse(node)[:80])
    return tuple(value)


def parse_nasbench201(text: str, *, source: str = "genotype") -> CellGenotype:
    """Read the NAS-Bench-201 notation: per node the operations from all earlier nodes."""
    edges = []
    groups = text.strip().split("+")
    for target, group in enumerate(groups, start=1):
        entries = group.strip().strip("|").split("|")
        matches = [re.fullmatch(r"\s*([\w.-]+)~(\d)\s*", entry) for entry in entries]
        sources = [int(match[2]) for match in matches if match]
        if len(groups) != 3 or not all(matches) or sources != list(range(target)):
            refuse(source, expected=f"text such as {NASBENCH201_EXAMPLE}", got=repr(text.strip()[:100]))
        edges += [(match[1], int(match[2]), target) for match in matches if match]
    check_operations((edge[0] for edge in edges), CELL_OPERATIONS, argument=source)
    return CellGenotype("nb201", (("cell", Cell(tuple(edges), (3,))),))

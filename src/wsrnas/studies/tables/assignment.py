"""Tables that are published as `name = {…}`, an assignment to be run by a page: read as data, never run."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from wsrnas.errors import InputError, refuse
from wsrnas.files import read_text

ASSIGNED = re.compile(r"\s*(?:(?:var|let|const)\s+)?([A-Za-z_]\w*)\s*=\s*(?=[\[{])")


def read_assignment(path: Path, *, name: str, remedy: str) -> Any:
    """Return the value of a file that holds `name = VALUE`, or VALUE alone, as JSON or as Python writes values.

    Raises:
        InputError: the file is missing or damaged, assigns another name, holds anything else, or says something twice.
    """
    if not path.is_file():
        refuse("--data", expected=f"a folder with {path.name}", got=str(path.parent), remedy=remedy)
    text = read_text(path, remedy=remedy)
    if assigned := ASSIGNED.match(text):
        if assigned[1] != name:
            refuse(str(path), expected=f"'{name} = …'", got=f"'{assigned[1]} = …'", remedy=remedy)
        text = text[assigned.end() :]
    return parse_values(text.strip().removesuffix(";"), path, remedy=remedy)


def parse_values(text: str, path: Path, *, remedy: str) -> Any:
    """Return the values that text holds, as JSON or as Python writes them; every mapping has its keys once.

    Raises:
        InputError: anything else.
    """
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _distinct(pairs, path, remedy))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        reason = error
    try:
        return _literal(ast.parse(text, mode="eval").body, path, remedy)
    except InputError:
        raise
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        message = f"{path}: expected values written as JSON or Python, got text that does not parse ({reason})"
        raise InputError(f"{message}; {remedy}") from error


def _literal(node: ast.expr, path: Path, remedy: str) -> Any:
    """Return a value written in Python, mappings checked for keys said twice."""
    if not isinstance(node, ast.Dict):
        return ast.literal_eval(node)
    keys = [None if key is None else ast.literal_eval(key) for key in node.keys]
    pairs = [(str(key), ast.literal_eval(value)) for key, value in zip(keys, node.values)]
    return _distinct(pairs, path, remedy)


def _distinct(pairs: list[tuple[str, Any]], path: Path, remedy: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        refuse(str(path), expected="every entry once", got=f"{twice!r} twice", remedy=remedy)
    return found

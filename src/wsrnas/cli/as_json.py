"""`--json`: the result alone on the standard output; whatever else is said goes to the standard error."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsrnas.cli.parser import Parser


def add_json(parser: Parser, what: str = "the result") -> None:
    """Add the option; `what` is what it shows as JSON."""
    parser.add_argument("--json", action="store_true", help=f"{what} as JSON, alone on the standard output")


@contextlib.contextmanager
def only_result(wanted: bool) -> Iterator[None]:
    """Send what is printed within to the standard error, if `wanted`."""
    with contextlib.redirect_stdout(sys.stderr) if wanted else contextlib.nullcontext():
        yield


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print plain values; paths are text, and numbers that JSON does not have are null."""
    print(json.dumps(_plain(value), indent=1))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value

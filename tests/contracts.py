"""Every concrete class of a contract, however deep it lies; every contract test takes its classes from here."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import sys
from abc import ABC, ABCMeta
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

import wsrnas
from wsrnas.parts import imported

Part = TypeVar("Part")
HERE = Path(__file__).resolve().parent
ALSO = "WSRNAS_PARTS"


def modules() -> list[str]:
    """Import every module of the package but the one that runs it; return their names.

    A module that cannot be imported fails here: it would hide its classes.
    """
    names = [found.name for found in pkgutil.walk_packages(wsrnas.__path__, "wsrnas.")]
    names = ["wsrnas", *(name for name in names if not name.endswith("__main__"))]
    for name in names:
        importlib.import_module(name)
    return names


def concrete(base: type[Part]) -> list[type[Part]]:
    """Return the package's finished classes of a contract, at any depth, by name.

    Classes that a test defines are not the package's, and one that its module no longer holds is gone. Those that the
    variable WSRNAS_PARTS names, ``package.module:Class`` with commas between, are tested too.
    """
    modules()
    found = {kind for kind in (base, *_below(base)) if not inspect.isabstract(kind) and _held(kind)}
    asked = [imported(path, argument=ALSO) for path in os.environ.get(ALSO, "").split(",") if path]
    found |= {kind for kind in asked if issubclass(kind, base)}
    return sorted(found, key=lambda kind: (kind.__name__, kind.__module__))


def contracts() -> list[type]:
    """Return the package's abstract base classes that extend no other one of the package, by name."""
    modules()
    found = {kind for kind in _below(ABC) if _held(kind) and not any(_ours(parent) for parent in kind.__bases__)}
    return sorted(found, key=lambda kind: kind.__name__)


def exercised(file: str, session: pytest.Session) -> set[type]:
    """Return the classes that the tests of a file (below `tests/`) run with: parameters, or what these are made of."""
    found: set[type] = set()
    for item in _items(pytest.Module.from_parent(session, path=HERE / file)):
        for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
            for one in value if isinstance(value, tuple) else (value,):
                found.add(one if inspect.isclass(one) else type(one))
    return found


def _items(collector: pytest.Collector) -> Iterator[pytest.Item]:
    for node in collector.collect():
        if isinstance(node, pytest.Item):
            yield node
        elif isinstance(node, pytest.Collector):
            yield from _items(node)


def _below(kind: type) -> Iterator[type]:
    child: type
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _held(kind: type) -> bool:
    home = sys.modules.get(kind.__module__)
    return kind.__module__.split(".")[0] == "wsrnas" and getattr(home, kind.__name__, None) is kind


def _ours(kind: type) -> bool:
    return isinstance(kind, ABCMeta) and kind.__module__.split(".")[0] == "wsrnas"

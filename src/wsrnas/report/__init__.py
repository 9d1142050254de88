"""Figures and HTML pages."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class _Report(ModuleType):
    """The room, callable: `wsrnas.report(run)` of the API has the name of this package."""

    def __call__(self, run: str | Path, **settings: Any) -> Path:
        """Render a run's report again; see `wsrnas.api.report`, which lies above this room and is looked up by name."""
        found: Path = importlib.import_module("wsrnas.api").report(run, **settings)
        return found


sys.modules[__name__].__class__ = _Report

"""Networks handed over: `wsrnas.export(…)` writes one, compared with its original first."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsrnas.export.run import Exported


class _Export(ModuleType):
    """The room, callable: the function of the API has the same name as the package it is made of."""

    def __call__(self, *arguments: Any, **settings: Any) -> Exported:
        """Export a network; see `wsrnas.export.run.export`."""
        from wsrnas.export.run import export

        return export(*arguments, **settings)


sys.modules[__name__].__class__ = _Export

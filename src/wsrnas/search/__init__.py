"""Search for architectures: `wsrnas.search(…)` runs one; the words of Algorithm 1 and its rooms are below."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsrnas.search.result import SearchResult


class _Search(ModuleType):
    """The room, callable: the function of the API has the same name as the package it is made of."""

    def __call__(self, *arguments: Any, **settings: Any) -> SearchResult:
        """Run a search; see `wsrnas.search.run.search`."""
        from wsrnas.search.run import search

        return search(*arguments, **settings)


sys.modules[__name__].__class__ = _Search

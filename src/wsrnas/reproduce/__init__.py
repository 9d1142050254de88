"""The paper's tables and Figure 1, each by one command: compositions of searches, trainings, evaluations and studies.

`wsrnas.reproduce(…)` makes one.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from wsrnas.reproduce.command import TABLES, Reproduction, cost, reproduce
from wsrnas.reproduce.cost import Plan
from wsrnas.reproduce.scale import Scale

__all__ = ["TABLES", "Plan", "Reproduction", "Scale", "cost", "reproduce"]


class _Reproduce(ModuleType):
    """The room, callable: the function of the API has the same name as the package it is made of."""

    def __call__(self, *arguments: Any, **settings: Any) -> Reproduction:
        """Make a table again; see `wsrnas.reproduce.command.reproduce`."""
        return reproduce(*arguments, **settings)


sys.modules[__name__].__class__ = _Reproduce

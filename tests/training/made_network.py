"""A network of the tests as what a training takes; run folders can describe it, but only the test can build it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from wsrnas.models.network import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class MadeNetwork(NetworkSpec):
    name: str
    factory: Callable[[], nn.Module]

    def build(self) -> nn.Module:
        return self.factory()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "zoo", "name": self.name, "config": {}}

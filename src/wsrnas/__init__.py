"""Find, train and prove image classifiers that stay robust over a wide spectrum of adversarial noise strengths.

    import wsrnas
    found = wsrnas.search("digits")                      # SearchResult
    trained = wsrnas.train(found.path, "pgd-digits", out="runs/b")
    curves = wsrnas.evaluate("runs/b", strengths="0,0.05,0.1")
    model = wsrnas.load("runs/b")                        # an nn.Module: images in [0,1] to logits
    wsrnas.predict(model, "photos/new")                  # class names and probabilities, a picture each
    wsrnas.export("runs/b", "onnx", out="net.onnx")      # compared with the original before it is kept

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsrnas import attacks, zoo
    from wsrnas.api import check, evaluate, export, load, predict, push, report, reproduce, search, sweep, train

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "attacks",
    "check",
    "evaluate",
    "export",
    "load",
    "predict",
    "push",
    "report",
    "reproduce",
    "search",
    "sweep",
    "train",
    "zoo",
]

_MODULES = ("attacks", "export", "reproduce", "search", "zoo")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name in _MODULES:
        return importlib.import_module(f"wsrnas.{name}")
    if name in __all__:
        return getattr(importlib.import_module("wsrnas.api"), name)
    raise AttributeError(f"module 'wsrnas' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)

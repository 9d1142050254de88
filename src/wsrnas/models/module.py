"""Anything that maps images to logits, as a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from wsrnas.errors import refuse


class Wrapped(nn.Module):
    """A plain function from images to logits, as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Any:
        """Call the function."""
        return self.function(images)


def as_module(model: Any) -> nn.Module:
    """Return a module unchanged and a plain function wrapped.

    Raises:
        InputError: the model cannot be called.
    """
    if isinstance(model, nn.Module):
        return model
    if isinstance(model, type):
        refuse("model", expected="a model", got=f"the class {model.__name__}", remedy=f"pass {model.__name__}(…)")
    if not callable(model):
        remedy = "load it first, or use `wsrnas evaluate --model` for names and files" if isinstance(model, str) else ""
        refuse("model", expected="a function from images to logits", got=f"a {type(model).__name__}", remedy=remedy)
    return Wrapped(model)

"""Anything that maps images to logits, as a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from wsrnas.errors import refuse


class Queries:
    """How many images a function was asked about; copies of a model count together."""

    def __init__(self) -> None:
        self.count = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> Queries:
        return self


class Counted(nn.Module):
    """A model without gradients, of which `queries` counts the images it is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = Queries()


class Wrapped(Counted):
    """A plain function from images to logits, as a module that counts the images it is asked about."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Any:
        """Call the function."""
        self.queries.count += len(images)
        return self.function(images)


def as_module(model: Any) -> nn.Module:
    """Return a module unchanged and a plain function wrapped.

    Raises:
        InputError: the model cannot be called, or has layers whose weights do not exist yet.
    """
    if isinstance(model, nn.Module):
        _refuse_uninitialised(model)
        return model
    if isinstance(model, type):
        refuse("model", expected="a model", got=f"the class {model.__name__}", remedy=f"pass {model.__name__}(…)")
    if not callable(model):
        remedy = "load it first, or use `wsrnas evaluate --model` for names and files" if isinstance(model, str) else ""
        refuse("model", expected="a function from images to logits", got=f"a {type(model).__name__}", remedy=remedy)
    return Wrapped(model)


def _refuse_uninitialised(model: nn.Module) -> None:
    """Refuse lazy layers that have seen no image: their weights would be random numbers drawn on the way."""
    names = [
        name for tensors in (model.named_parameters(), model.named_buffers()) for name, one in tensors if is_lazy(one)
    ]
    if names:
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        remedy = "call it once on images of the right shape and load its weights first"
        refuse("model", expected="a network with weights", got=f"layers not yet initialised ({shown})", remedy=remedy)

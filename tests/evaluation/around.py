"""An honest model with something done before or after it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class Around(nn.Module):
    """`change(model, images)` in place of `model(images)`."""

    def __init__(self, model: nn.Module, change: Callable[[nn.Module, Tensor], Any]) -> None:
        super().__init__()
        self.model = model
        self.change = change

    def forward(self, images: Tensor) -> Any:
        return self.change(self.model, images)


def around(model: nn.Module, change: Callable[[nn.Module, Tensor], Any]) -> nn.Module:
    """Return `change` around a copy of the model, ready to be evaluated."""
    return Around(copy.deepcopy(model), change).eval()

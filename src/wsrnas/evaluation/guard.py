"""A model that cannot touch what it is measured with: its own copy of every batch, and gradients that are numbers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import own_copy


class Guarded(nn.Module):
    """A model that is handed copies of its images and whose logits are copied before it can use their memory again.

    So a model that changes its input in place, keeps it, or returns one buffer again and again is measured as the same
    model written out of place would be. With `mend_gradients` a NaN in the gradient of the images becomes 0 and an
    infinity the largest number, so that every attack goes on, and `broken_gradients` remembers that it happened. With
    `renew` every call meets a copy of the model that has seen nothing.
    """

    def __init__(self, model: nn.Module, *, mend_gradients: bool = False, renew: bool = False) -> None:
        super().__init__()
        self.model = model
        self.mend_gradients = mend_gradients
        self.renew = renew
        self._broken: Tensor | None = None

    @property
    def broken_gradients(self) -> bool:
        """Whether a gradient was NaN or infinite; reads the device once."""
        return self._broken is not None and bool(self._broken)

    def forward(self, images: Tensor) -> Any:
        """Classify a copy."""
        copied = own_copy(images)
        if self.mend_gradients and copied.requires_grad:
            copied.register_hook(self._mended)
        model = copy.deepcopy(self.model) if self.renew else self.model
        output = model(copied)
        return output.clone() if isinstance(output, Tensor) else output

    def _mended(self, gradient: Tensor) -> Tensor:
        broken = ~torch.isfinite(gradient).all()
        self._broken = broken if self._broken is None else self._broken | broken
        return torch.nan_to_num(gradient, nan=0.0)

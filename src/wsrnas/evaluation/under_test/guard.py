"""A model that cannot touch what it is measured with: its own copy of every batch, and gradients that are numbers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import own_copy, refuses_gradients
from wsrnas.errors import InputError


class Guarded(nn.Module):
    """A model that is handed copies of its images and whose logits are copied before it can use their memory again.

    So a model that changes its input in place, keeps it, or returns one buffer again and again is measured as the same
    model written out of place would be. With `mend_gradients` a NaN in the gradient of the images becomes 0 and an
    infinity the largest number, so that every attack goes on, and `broken_gradients` remembers that it happened. With
    `renew` every call meets a copy of the model that has seen nothing.

    Raises:
        InputError: the model fails on a batch; says on which shape, and why. That it refuses images which ask for a
            gradient is left to whoever asks for one.
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
        model = fresh_copy(self.model) if self.renew else self.model
        try:
            output = model(copied)
        except InputError:
            raise
        except Exception as error:  # whatever a user's own class does
            if isinstance(error, RuntimeError) and refuses_gradients(error):
                raise
            shape, reason = tuple(images.shape), _reason(error)
            remedy = "give images of the shape it was made for; it must take batches of any size"
            raise InputError(f"model: cannot classify images of shape {shape} ({reason}); {remedy}") from error
        return output.clone() if isinstance(output, Tensor) else output

    def _mended(self, gradient: Tensor) -> Tensor:
        broken = ~torch.isfinite(gradient).all()
        self._broken = broken if self._broken is None else self._broken | broken
        return torch.nan_to_num(gradient, nan=0.0)


@torch.no_grad()
def fresh_copy(model: nn.Module) -> nn.Module:
    """Copy a model; with gradients switched on, TorchScript would put its copied weights into a graph."""
    return copy.deepcopy(model)


def _reason(error: Exception) -> str:
    """Return the line that says what went wrong; TorchScript says it last, after the code it went wrong in."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if "TorchScript" in lines[0] else lines[0]

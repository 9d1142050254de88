"""An exponential moving average of a network, often more robust than its last weights."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from wsrnas.errors import refuse


class MovingAverage:
    """θ̄ ← d·θ̄ + (1 − d)·θ after each step; floating-point buffers likewise, the others are copied.

    d = min(decay, (1 + t)/(10 + t)) after t steps, so that the random start is forgotten early in a short training.

    Not `torch.optim.swa_utils.AveragedModel`: it copies the first network it is given instead of beginning at the
    random start, averages all buffers (whole numbers included) or none, and hands its step count to the averaging
    function as a tensor, so that this decay would wait for the device once per parameter; with all three worked around
    nothing of it would be left.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 < decay < 1:
            refuse("ema", expected="a decay between 0 and 1 such as 0.999", got=decay, remedy="use null for no average")
        self.decay = decay
        self.steps = 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        current = model.state_dict()
        for name, average in self.model.state_dict().items():
            if average.is_floating_point():
                average.lerp_(current[name], 1 - decay)
            else:
                average.copy_(current[name])

    def state_dict(self) -> dict[str, Any]:
        """Return the average and its age."""
        return {"model": self.model.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the average."""
        self.model.load_state_dict(state["model"])
        self.steps = int(state["steps"])

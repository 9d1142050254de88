"""The classifier under examination, made callable in one way whatever it returns and whatever pixels it wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import untouched
from wsrnas.types import Images, Labels, Norm


class Affine(nn.Module):
    """A model behind pixels·scale + shift per channel, which maps [0,1] to the pixels it wants."""

    scale: Tensor
    shift: Tensor

    def __init__(self, model: nn.Module, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("scale", scale.reshape(1, -1, 1, 1))
        self.register_buffer("shift", shift.reshape(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Any:
        """Rescale, then classify."""
        return self.model(images * self.scale.to(images) + self.shift.to(images))


class LogitsOnly(nn.Module):
    """A model whose tuple or dict is reduced to its first (B, classes) tensor."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Any:
        """Classify and pick the logits."""
        return pick_logits(self.model(images), len(images))


def pick_logits(output: Any, count: int) -> Any:
    """Return the first float tensor of `count` rows and two or more columns in a tuple, list or dict."""
    members = list(output.values()) if isinstance(output, dict) else output
    if isinstance(members, (tuple, list)):
        for one in members:
            if isinstance(one, Tensor) and one.is_floating_point() and one.ndim == 2 and one.shape[0] == count:
                return one
    return output


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The model as it was handed over, and the images it is examined on."""

    model: nn.Module
    images: Images
    labels: Labels
    norm: Norm
    seed: int
    device: torch.device
    batch_size: int = 64

    @torch.no_grad()
    def logits(self, images: Images, *, batch_size: int | None = None) -> Tensor:
        """Return raw outputs of all images, on the CPU, in whatever mode the model is."""
        parts = [self.model(batch.to(self.device)) for batch in images.split(batch_size or self.batch_size)]
        return torch.cat([part.float().cpu() for part in parts])

    @contextmanager
    def as_is(self) -> Iterator[None]:
        """Keep the modes as handed over; buffers are put back afterwards."""
        with untouched(self.model):
            yield

    @contextmanager
    def in_eval(self) -> Iterator[None]:
        """Examine in eval mode; modes and buffers are put back afterwards."""
        with untouched(self.model):
            self.model.eval()
            yield


def refuses_gradients(error: RuntimeError) -> bool:
    """Tell whether a model failed only because its input asked for a gradient, as numpy does."""
    return "requires grad" in str(error)

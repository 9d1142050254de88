"""The classifier under examination, made callable in one way whatever it returns and whatever pixels it wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import untouched
from wsrnas.errors import refuse
from wsrnas.evaluation.under_test.copies import Copies
from wsrnas.evaluation.under_test.guard import Guarded
from wsrnas.rng import stream
from wsrnas.types import Images, Labels, Logits, Norm

BATCH = 64
"""Images classified and attacked at once."""
Dress: TypeAlias = Callable[[nn.Module], nn.Module]
"""Puts something around a model that makes it a classifier of images in [0,1]."""


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


def asked(model: nn.Module, images: Images) -> Tensor:
    """Return the logits of one batch, finite or not.

    Raises:
        InputError: the model fails on images of this shape, or gives something else than a row for each of them.
    """
    output = model(images)
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != len(images):
        got = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        refuse("model", expected=f"one row of logits for each of {len(images)} images", got=got, remedy=_ANY_SIZE)
    return output


_ANY_SIZE = "it must take batches of any size"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The model as it was handed over, and the images it is examined on.

    `model` is a copy that the checks use one after another, so that what it remembers piles up as in ordinary use;
    `fresh` returns others that have seen nothing.
    """

    copies: Copies
    guard: Guarded
    model: nn.Module
    images: Images
    labels: Labels
    norm: Norm
    seed: int
    device: torch.device
    dress: tuple[Dress, ...] = ()
    batch_size: int = BATCH

    def dressed(self, dress: Dress) -> Subject:
        """Return the same subject with one more thing around its model."""
        return replace(self, model=dress(self.model), dress=(*self.dress, dress))

    def fresh(self) -> nn.Module:
        """Return a copy of the model that has seen nothing, dressed alike, in the mode it was handed over in."""
        model: nn.Module = self.copies.fresh()
        for dress in self.dress:
            model = dress(model)
        return model

    def unmended(self) -> nn.Module:
        """Return the used copy with gradients as they are, NaN and all."""
        model: nn.Module = Guarded(self.guard.model)
        for dress in self.dress:
            model = dress(model)
        return model

    @torch.no_grad()
    def logits(self, images: Images, *, batch_size: int | None = None, model: nn.Module | None = None) -> Logits:
        """Return raw outputs of all images, on the CPU, in whatever mode the model is.

        Raises:
            InputError: see `asked`.
        """
        one = self.model if model is None else model
        batches = images.split(batch_size or self.batch_size)
        return torch.cat([asked(one, batch.to(self.device)).float().cpu() for batch in batches])

    def points(self, count: int, purpose: str, *, spread: float = 0.1) -> Images:
        """Return `count` images nobody has seen: mixtures of two images with a little noise, for one purpose each."""
        generator = stream(self.seed, "points", purpose)
        first, second = (torch.randint(0, len(self.images), (count,), generator=generator) for _ in range(2))
        share = 0.3 * torch.rand(count, 1, 1, 1, generator=generator)
        mixed = (1 - share) * self.images[first] + share * self.images[second]
        return (mixed + spread * (torch.rand(mixed.shape, generator=generator) - 0.5)).clamp(0, 1)

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

"""What is handed over for examination: any model and images, made fit to be asked, or refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import untouched
from wsrnas.errors import InputError
from wsrnas.evaluation.checks.subject import Affine, Dress, LogitsOnly, pick_logits
from wsrnas.evaluation.checks.verdict import Finding, found
from wsrnas.evaluation.inputs import checked_logits
from wsrnas.evaluation.under_test.guard import Guarded
from wsrnas.models.module import as_module
from wsrnas.types import Images


class Typed(nn.Module):
    """A model whose weights are not float32, handed images of its own type."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(self, images: Tensor) -> Any:
        """Convert, then classify."""
        return self.model(images.to(self.dtype))


def askable(model: Any) -> nn.Module:
    """Return a module that can be asked with float32 images.

    Raises:
        InputError: no model at all, or one with layers that were never initialised.
    """
    module = as_module(model)
    kinds = {tensor.dtype for tensor in module.parameters() if tensor.is_floating_point()}
    if len(kinds) == 1 and (kind := kinds.pop()) != torch.float32:
        typed = Typed(module, kind)
        typed.training = module.training
        return typed
    return module


@torch.no_grad()
def logits_alone(network: nn.Module, images: Images) -> tuple[nn.Module, Finding]:
    """Return a model that gives a tensor, and whether it gave more.

    Raises:
        InputError: see `any_size`; its output is nothing of the kind.
    """
    with untouched(network):
        output = any_size(Guarded(network), images)
    picked = pick_logits(output, len(images))
    checked_logits(torch.nan_to_num(picked) if isinstance(picked, Tensor) else picked, len(images))
    more = found("tuple-output", picked is not output, f"the model returns a {type(output).__name__}")
    return (network if picked is output else LogitsOnly(network)), more


def any_size(model: nn.Module, images: Images) -> Any:
    """Return the answer to the images; where there is none, see whether another number of them would have got one.

    Raises:
        InputError: the model takes batches of other sizes, and which, or none of this shape.
    """
    try:
        return model(images)
    except InputError as error:
        many = images[torch.arange(_SIZES[-1]) % len(images)]
        takes = [size for size in _SIZES if _classifies(model, many[:size])]
        if not takes:
            raise
        shown = ", ".join(map(str, takes))
        remedy = "export it with a free batch axis, or let its forward pad and cut batches to that size"
        raise InputError(
            f"model: expected one that takes batches of any size, got one that takes batches of {shown} and not of "
            f"{len(images)} (tried {', '.join(map(str, _SIZES))}); {remedy}"
        ) from error


def _classifies(model: nn.Module, images: Images) -> bool:
    try:
        output = pick_logits(model(images), len(images))
    except InputError:
        return False
    return isinstance(output, Tensor) and len(output) == len(images)


_SIZES = (1, 2, 3, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100, 128, 256)


def given_pixels(images: Tensor) -> tuple[tuple[Dress, ...], Images, list[Finding]]:
    """Where images were handed over outside [0,1], map them there and return what puts the way back before a model."""
    images = images.detach().float()
    low, high = images.amin((0, 2, 3)), images.amax((0, 2, 3))
    least, most = float(low.min()), float(high.max())
    evidence = f"pixels in [{least:.4g}, {most:.4g}]"
    if least >= -1e-6 and most <= 1 + 1e-6:
        return (), images.clamp(0, 1), []
    if least >= -1e-6 and most > 2:
        scale = torch.full_like(high, 255.0) if most <= 255 else high.max().expand_as(high)
        back = partial(Affine, scale=scale, shift=torch.zeros_like(scale))
        found_out = found("input-0-255", True, f"{evidence} were handed over")
        return (back,), (images / scale.reshape(1, -1, 1, 1)).clamp(0, 1), [found_out]
    scale = (high - low).clamp_min(1e-6)
    plain = ((images - low.reshape(1, -1, 1, 1)) / scale.reshape(1, -1, 1, 1)).clamp(0, 1)
    found_out = found("normalisation-outside-model", True, f"{evidence} were handed over")
    return (partial(Affine, scale=scale, shift=low),), plain, [found_out]

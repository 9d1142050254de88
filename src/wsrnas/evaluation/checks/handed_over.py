"""What is handed over for examination: any model and images, made fit to be asked, or refused."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from wsrnas.errors import refuse
from wsrnas.evaluation.checks.subject import Affine, Dress
from wsrnas.evaluation.checks.verdict import Finding, found
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
    """Return a module that can be asked with float32 images and left as it was found.

    Raises:
        InputError: no model at all, or one with layers that were never initialised.
    """
    module = as_module(model)
    unborn = [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if _unborn(tensor)]
    if unborn:
        remedy = "classify one batch with it, then load its trained weights and check it again"
        refuse("model", expected="initialised weights", got=f"lazy ones ({', '.join(unborn[:3])})", remedy=remedy)
    if isinstance(module, torch.jit.ScriptModule) and "training" not in dir(module):
        module = copy.deepcopy(module).eval()  # frozen: it has no modes any more, and everybody asks for them
    kinds = {tensor.dtype for tensor in module.parameters() if tensor.is_floating_point()}
    if len(kinds) == 1 and (kind := kinds.pop()) != torch.float32:
        typed = Typed(module, kind)
        typed.training = module.training
        return typed
    return module


def _unborn(tensor: Tensor) -> bool:
    return isinstance(tensor, (UninitializedParameter, UninitializedBuffer))


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

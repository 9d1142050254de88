"""Batches that a network cannot learn from, found before the training starts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from wsrnas import rng
from wsrnas.attacks.victim import untouched
from wsrnas.errors import refuse
from wsrnas.runtime import Runtime
from wsrnas.training.losses import TrainingLoss


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return the batches of an epoch: a last partial batch is left out, unless it is the only one."""
    return max(images // batch_size, 1)


def refuse_single_images(
    model: nn.Module,
    loss: TrainingLoss,
    image_shape: tuple[int, int, int],
    *,
    images: int,
    batch_size: int,
    runtime: Runtime,
) -> None:
    """Refuse batches of one image where a BatchNorm layer would see one value per channel, whose variance is nothing.

    Tried with one black image and the training's own loss, so that neither a loss that makes several images of one nor
    a network without BatchNorm is refused; weights, statistics and random states are as before.

    Args:
        images: in D_t.

    Raises:
        InputError: such a layer; names the batch size and the size of the images.
    """
    whole = min(batch_size, images)
    if whole < runtime.world_size:
        name = "batch_size" if batch_size <= images else "images"
        expected = f"one or more for each of the {runtime.world_size} processes"
        refuse(name, expected=expected, got=whole, remedy="use fewer processes")
    if whole > 1:
        return
    _, height, width = image_shape
    if not _sees_single_values(model, loss, image_shape, runtime):
        return
    expected = f"at least 2 images, because BatchNorm sees a single value per channel in one image of {width}x{height}"
    if images < 2:
        remedy = "add images, or choose a network without BatchNorm"
        refuse("data", expected=f"{expected}, to train on", got=images, remedy=remedy)
    got = f"{whole} image of {width}x{height} pixels a batch"
    refuse("batch_size", expected=expected, got=got, remedy="use at least --batch_size 2")


class _SingleValueError(Exception):
    """BatchNorm was given one value per channel."""


def _sees_single_values(
    model: nn.Module, loss: TrainingLoss, image_shape: tuple[int, int, int], runtime: Runtime
) -> bool:
    def look(layer: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        if (layer.training or layer.running_mean is None) and inputs[0].numel() == inputs[0].shape[1]:
            raise _SingleValueError

    device = runtime.device
    black, label = torch.zeros(1, *image_shape, device=device), torch.zeros(1, dtype=torch.int64, device=device)
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    handles = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        with untouched(model), rng.fixed_global_seed(0, "single image"), torch.no_grad():
            model.train()
            loss(model, runtime.images(black), label, rng.stream(0, "single image", device=device))
    except _SingleValueError:
        return True
    finally:
        for handle in handles:
            handle.remove()
    return False

"""What evaluation accepts: images in [0,1], labels of the model's classes, a plain tensor of finite logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import own_copy, untouched
from wsrnas.errors import refuse
from wsrnas.types import Images, Labels, Logits

ROUNDING = 1e-6
"""Pixels this little outside [0,1] are float error and are clamped."""


def checked_images(images: Any) -> Images:
    """Return the images as float32 (B,C,H,W) in [0,1].

    Raises:
        InputError: wrong shape, integers, NaN, or pixels outside [0,1].
    """
    if not isinstance(images, Tensor):
        images = torch.as_tensor(images)
    if images.ndim != 4 or images.shape[0] == 0:
        remedy = "add the missing axis with images[:, None] or images[None]" if images.ndim == 3 else ""
        refuse("images", expected="a tensor (B,C,H,W) with B >= 1", got=f"shape {tuple(images.shape)}", remedy=remedy)
    if not images.is_floating_point():
        refuse("images", expected="floats in [0,1]", got=f"{images.dtype}", remedy="pass images.float() / 255")
    if not torch.isfinite(images).all():
        bad = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        refuse("images", expected="finite pixels", got=f"NaN or infinity in {bad} images", remedy="drop those images")
    low, high = float(images.min()), float(images.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        if low >= -ROUNDING and high > 2:
            remedy = "these look like 0..255: pass images / 255"
        else:
            remedy = "undo the normalisation and make it the model's first layer (wsrnas.networks.normalize.Normalize)"
        refuse("images", expected="pixels in [0,1]", got=f"[{low:.4g}, {high:.4g}]", remedy=remedy)
    return images.detach().to(torch.float32).clamp(0, 1)


def checked_labels(labels: Any, count: int) -> Labels:
    """Return the labels as int64 (B,).

    Raises:
        InputError: not one integer >= 0 per image.
    """
    if not isinstance(labels, Tensor):
        labels = torch.as_tensor(labels)
    if labels.ndim != 1 or labels.shape[0] != count:
        remedy = "pass labels.argmax(1) for one-hot labels" if labels.ndim == 2 else ""
        refuse("labels", expected=f"shape ({count},), one a image", got=f"{tuple(labels.shape)}", remedy=remedy)
    if labels.is_floating_point() or labels.dtype == torch.bool:
        refuse("labels", expected="integer classes", got=f"{labels.dtype}", remedy="pass labels.long()")
    if int(labels.min()) < 0:
        refuse("labels", expected="classes counted from 0", got=int(labels.min()))
    return labels.detach().to(torch.int64)


def checked_classes(labels: Labels, classes: int) -> None:
    """Refuse labels the model has no logit for."""
    highest = int(labels.max())
    if highest >= classes:
        remedy = "count classes from 0" if highest == classes else "the model was built for other data"
        refuse("labels", expected=f"classes 0..{classes - 1}, the model's", got=f"label {highest}", remedy=remedy)


@torch.no_grad()
def checked_others(others: Sequence[nn.Module], images: Images, classes: int) -> None:
    """Refuse other models that do not tell the same number of classes apart."""
    for position, other in enumerate(others):
        where = f"others[{position}]"
        with untouched(other):
            answers = checked_logits(other.eval()(own_copy(images)), len(images), where=where)
        if answers.shape[1] != classes:
            refuse(where, expected=f"a model of the same {classes} classes", got=answers.shape[1])


def checked_logits(output: Any, count: int, *, where: str = "the model's output") -> Logits:
    """Return a model's output unchanged if it is one row of finite logits per image.

    Raises:
        InputError: a tuple, dict or other object, a wrong shape, one class, NaN or infinity.
    """
    if isinstance(output, (tuple, list)):
        remedy = "wrap the model so that it returns only the logits: lambda x: model(x)[0]"
        refuse(where, expected="a tensor (B,classes)", got=f"a {type(output).__name__} of {len(output)}", remedy=remedy)
    if isinstance(output, dict):
        keys = ", ".join(map(str, output))
        remedy = "wrap the model so that it returns only the logits: lambda x: model(x)['logits']"
        refuse(where, expected="a tensor (B,classes)", got=f"a dict with {keys}", remedy=remedy)
    if not isinstance(output, Tensor):
        remedy = "return a torch tensor: torch.from_numpy(scores) for a model outside torch, with suite='queries'"
        refuse(where, expected="a tensor (B,classes)", got=f"a {type(output).__name__}", remedy=remedy)
    if output.ndim != 2 or output.shape[0] != count or output.shape[1] < 2:
        if tuple(output.shape) in ((count,), (count, 1)):
            remedy = "return one score per class; a single logit z is the two-class model [0, z]"
        else:
            remedy = "return one row of class scores per image"
        got = f"shape {tuple(output.shape)}"
        refuse(where, expected=f"shape ({count}, classes), at least 2 classes", got=got, remedy=remedy)
    if not torch.isfinite(output).all():
        bad = int((~torch.isfinite(output)).any(1).sum())
        remedy = "an accuracy over NaN logits means nothing: mend the model (float16 overflow? log of zero?)"
        refuse(where, expected="finite logits", got=f"NaN or infinity for {bad} of {count} images", remedy=remedy)
    return output

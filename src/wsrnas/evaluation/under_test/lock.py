"""Holding a model still while it is measured, and proving that it stayed so."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import gradient_flags, modes
from wsrnas.errors import InputError, refuse
from wsrnas.evaluation.inputs import checked_logits
from wsrnas.types import Images, Logits


def checked_device(device: str | torch.device | None) -> torch.device | None:
    """Return the device, or refuse one that this machine or torch does not have."""
    if device is None:
        return None
    try:
        found = torch.device(device)
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"device: {device} cannot be used here ({reason}); leave it out, or pass 'cpu'") from error
    return found


def model_device(model: nn.Module, otherwise: torch.device) -> torch.device:
    """Return the device of the first parameter or buffer; `otherwise` where there is none."""
    for _, tensor in state(model):
        return tensor.device
    return otherwise


def on_device(model: nn.Module, device: str | torch.device | None) -> nn.Module:
    """Return the model itself where it already is on the device, else a copy there; the caller's model stays put."""
    if device is None or model_device(model, torch.device(device)).type == torch.device(device).type:
        return model
    with torch.no_grad():  # else TorchScript puts its copied weights into a graph
        return copy.deepcopy(model).to(device)


def digests(model: nn.Module) -> dict[str, str]:
    """Return one SHA-256 per parameter and buffer, non-persistent buffers included."""
    return {name: digest(tensor) for name, tensor in state(model)}


def digest(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's type, shape and content."""
    plain = tensor.detach().cpu().contiguous()
    head = f"{plain.dtype}{tuple(plain.shape)}".encode()
    return hashlib.sha256(head + plain.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def model_hash(model: nn.Module) -> str:
    """Return one SHA-256 over names and content of all parameters and buffers, and the model's class."""
    parts = "".join(f"{name}={value};" for name, value in sorted(digests(model).items()))
    return hashlib.sha256(f"{type(model).__qualname__};{parts}".encode()).hexdigest()


@contextmanager
def locked(model: nn.Module, *, train: bool | None = False) -> Iterator[nn.Module]:
    """Yield the model in eval mode with frozen parameters; afterwards modes and flags are as they were.

    `train=None` leaves the modes as they are.

    Raises:
        InputError: weights that are not float32, or a parameter or buffer that changed inside the block.
    """
    for name, tensor in state(model):
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            remedy = "pass model.float(): robustness is measured in float32"
            refuse("model", expected="float32 weights", got=f"{name} in {tensor.dtype}", remedy=remedy)
    before_modes = modes(model)
    flags = gradient_flags(model)
    before = digests(model)
    try:
        if train is not None:
            model.train(train)
        for parameter, _ in flags:  # TorchScript has no requires_grad_ for all of them
            parameter.requires_grad_(False)
        yield model
        after = digests(model)
    finally:
        for module, mode in before_modes:
            module.training = mode
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
    if changed := [name for name in after if after[name] != before.get(name)]:
        refuse_changes(changed)


def refuse_changes(names: Sequence[str]) -> NoReturn:
    """Refuse a model whose parameters or buffers of these names changed while it was measured."""
    remedy = "a model that changes while it is measured has no accuracy; run `wsrnas check` on it"
    refuse("model", expected="unchanged weights and buffers", got=f"changes in {', '.join(names[:3])}", remedy=remedy)


def same(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors of one shape hold the same numbers; NaN is itself."""
    one, other = one.detach(), other.detach()
    return torch.equal(one, other) or digest(one) == digest(other)


@torch.no_grad()
def predict(model: nn.Module, images: Images, *, batch_size: int, device: torch.device) -> Logits:
    """Return checked logits of all images on the CPU, in a fresh forward pass without gradients."""
    batches = images.split(batch_size)
    return torch.cat([checked_logits(model(batch.to(device)), len(batch)).float().cpu() for batch in batches])


def state(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield every parameter and buffer by name, non-persistent buffers included."""
    yield from model.named_parameters()
    yield from model.named_buffers()

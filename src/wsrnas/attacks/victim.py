"""The network under attack: asked for logits and input gradients, and left exactly as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor, nn

from wsrnas.attacks.objectives import Objective
from wsrnas.errors import InputError, refuse
from wsrnas.runtime.shares import everywhere

Model: TypeAlias = Callable[[Tensor], Tensor]
"""Images in [0,1] to logits: an nn.Module, or for gradient-free attacks any function."""


class GradientError(InputError):
    """The model gives no gradient with respect to its images, so only gradient-free attacks apply."""


def own_copy(images: Tensor) -> Tensor:
    """Return images that a model may change in place, keep, or ask for their gradient, without touching the caller's.

    Handing over the caller's own would let a model that rounds its input in place turn an attacked image into the
    clean one, before anybody looks at it. Gradients flow through the copy; a leaf's flag is the caller's to keep.
    """
    copied = images.clone()
    if copied.requires_grad:
        copied.retain_grad()  # what a model that calls backward() inside its forward pass reads
    return copied


def modes(model: nn.Module) -> list[tuple[nn.Module, bool]]:
    """Return every layer with its train/eval mode; TorchScript that was frozen has none."""
    scripted = torch.jit.ScriptModule
    layers = [one for one in model.modules() if not isinstance(one, scripted) or "training" in dir(one)]
    return [(layer, layer.training) for layer in layers]


def gradient_flags(model: nn.Module) -> list[tuple[Tensor, bool]]:
    """Return every parameter and whether it asks for a gradient.

    Raises:
        InputError: parameters made in inference mode, which can neither be frozen nor asked for a gradient.
    """
    flags: list[tuple[Tensor, bool]] = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    if any(parameter.is_inference() for parameter, _ in flags):
        remedy = "build or load the model outside torch.inference_mode(); calling an attack inside it is fine"
        refuse("model", expected="ordinary parameters", got="parameters made in inference mode", remedy=remedy)
    return flags


@contextmanager
def untouched(model: Model) -> Iterator[None]:
    """Freeze the parameters inside the block; restore their flags, every buffer and every train/eval mode after it.

    Only an `nn.Module` can be looked after: hand over the module itself, not a function around it.
    """
    if not isinstance(model, nn.Module):
        yield
        return
    flags = gradient_flags(model)
    before = modes(model)
    slots = [(module, name, buffer) for module in model.modules() for name, buffer in module._buffers.items()]
    try:
        for module, name, original in slots:
            # The attack works on a copy: writing the original back would break a graph that already used it.
            module._buffers[name] = None if original is None else original.detach().clone()
        for parameter, _ in flags:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
        for module, mode in before:
            module.training = mode
        for module, name, original in slots:
            module._buffers[name] = original


def trainable(model: nn.Module, wanted: bool) -> None:
    """Let the weights ask for a gradient, or not; only inside of what puts the flags back, such as `untouched`."""
    for parameter, _ in gradient_flags(model):
        if parameter.is_floating_point():
            parameter.requires_grad_(wanted)


class Victim:
    """A model with the checks an attack needs: output type and shape always, values once when `checked`.

    `separable` says whether each image is classified on its own, which is so when no layer is in train mode: only then
    may an attack drop the images it has already won, since otherwise the others' batch statistics would change.
    """

    def __init__(self, model: Model, *, checked: bool, highest_label: int = -1) -> None:
        self._model = model
        self._checked = self._first = checked
        self._gradients_finite: Tensor | None = None
        self._highest_label = highest_label
        self.separable = not (isinstance(model, nn.Module) and any(training for _, training in modes(model)))

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits (B,K); one forward pass.

        Raises:
            InputError: a tuple, a dict or another wrong output; fewer classes than the labels need; NaN logits.
        """
        try:
            logits = self._model(own_copy(images))
        except RuntimeError as error:
            if not refuses_gradients(error):
                raise
            raise GradientError(f"model: it refuses images that ask for a gradient ({error}); {_BLIND}") from error
        _check_output(logits, images.shape[0])
        logits = logits.to(images.device)
        if self._first:
            self._first = False
            if self._highest_label >= logits.shape[1]:
                refuse(
                    "labels",
                    expected=f"classes 0 to {logits.shape[1] - 1}, the model has {logits.shape[1]} logits",
                    got=f"label {self._highest_label}",
                    remedy="give labels counted from 0, or a model with more classes",
                )
            if not bool(torch.isfinite(logits.detach()).all()):
                refuse("model", expected="finite logits", got="NaN or infinite ones", remedy=_NAN_REMEDY)
        return logits

    def all_won(self, reached: Tensor) -> bool:
        """Return whether every image has reached its goal; reads the device once.

        Of a batch that processes share, every image of all of them where images influence each other.
        """
        return bool(reached.all()) if self.separable else everywhere(reached.all())

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Return the logits without a graph; one forward pass. They stay as they are if the model reuses its output."""
        return self.logits(images).detach().clone()

    def climb(self, images: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Tensor]:
        """Return (gradient of each image's loss at that image, losses, logits); one forward and one backward pass.

        Raises:
            GradientError: the logits do not depend differentiably on the images.
        """
        with torch.enable_grad():
            leaf = images.detach().requires_grad_(True)
            logits = self.logits(leaf)
            losses = objective(logits)
            gradient = torch.autograd.grad(losses.sum(), leaf, allow_unused=True)[0] if losses.requires_grad else None
        if gradient is None:
            raise GradientError(
                f"model: expected logits that depend differentiably on the images, got no gradient back; {_BLIND}"
            )
        if self._checked:
            # Kept on the device and read once at the end: sign(NaN) is 0, so a broken gradient would pass unseen.
            finite = torch.isfinite(gradient).all()
            self._gradients_finite = finite if self._gradients_finite is None else self._gradients_finite & finite
        return gradient, losses.detach(), logits.detach()

    def refuse_broken_gradients(self) -> None:
        """Refuse a model that gave NaN or infinite gradients so far; reads the device once.

        Raises:
            InputError: as said.
        """
        if self._gradients_finite is not None and not bool(self._gradients_finite):
            remedy = "use float32, and look in the model for roots, logarithms or divisions at zero"
            refuse("model", expected="finite gradients at every step", got="NaN or infinite ones", remedy=remedy)


def refuses_gradients(error: RuntimeError) -> bool:
    """Tell whether a model failed only because its images asked for a gradient, as numpy and writing in views do."""
    return any(words in str(error) for words in ("requires grad", "requires_grad flags", "being modified inplace"))


_BLIND = "remove detach(), numpy or no_grad from its forward, or use a gradient-free attack (Square, BlackBox)"
_NAN_REMEDY = "check the weights and the normalisation of the model on these images"


def _check_output(logits: object, batch: int) -> None:
    """Refuse anything but a (B,K) floating-point tensor with K >= 2; reads no values."""
    if not isinstance(logits, Tensor):
        remedy = "return a torch tensor"
        if isinstance(logits, (tuple, list, dict)):
            part = "model(x)['logits']" if isinstance(logits, dict) else "model(x)[0]"
            remedy = f"wrap it in a module whose forward(x) returns the logits only, for instance {part}"
        refuse("model", expected="a tensor of logits (B, classes)", got=f"a {type(logits).__name__}", remedy=remedy)
    if logits.ndim != 2 or logits.shape[0] != batch or logits.shape[1] < 2:
        refuse(
            "model",
            expected=f"logits of shape ({batch}, classes) with at least 2 classes",
            got=tuple(logits.shape),
            remedy="return one score per class; for a single score z return torch.stack((-z, z), dim=1)",
        )
    if not logits.is_floating_point():
        refuse(
            "model", expected="floating-point logits", got=str(logits.dtype), remedy="return scores, not class numbers"
        )

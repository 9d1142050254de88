"""What every attack takes, gives and guarantees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar, final, get_args

import torch
from torch import Tensor

from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.victim import Model, Victim, untouched
from wsrnas.errors import nearest, refuse
from wsrnas.rng import stream
from wsrnas.types import Norm, check_linf, parse_strength

Self = TypeVar("Self", bound="Attack")


@dataclass(frozen=True, kw_only=True)
class Attack(ABC):
    """Images within `eps` of the given ones on which the model errs: argmax_{‖δ‖ ≤ ε} L(f_θ(x + δ), y).

    Called as ``attack(model, images, labels, generator)``. For every attack the base class guarantees ‖δ‖ ≤ eps (up to
    float rounding), pixels in [0,1], the dtype, shape and device of `images`, parameters, buffers, gradients and
    train/eval mode of the model as before (BatchNorm in train mode uses batch statistics and keeps its running ones),
    and randomness from `generator` only. Without a generator random attacks use one fixed stream, so every such call
    draws the same numbers: good for a reproducible measurement, wrong for training. What the model itself draws
    (dropout in train mode) is the model's own affair.

    Args:
        eps: radius ε in pixel units of [0,1]; ``8/255``, never ``8``.
        norm: "Linf" or "L2".
    """

    needs_gradient: ClassVar[bool] = True
    """Whether the attacked model must be differentiable; False for attacks that ask it for logits only."""
    targetable: ClassVar[bool] = True
    """Whether `targets` may be given."""
    minimises: ClassVar[bool] = False
    """Whether it looks for the nearest adversarial image, so that one run at the largest strength serves all."""

    eps: float
    norm: Norm = "Linf"

    def __post_init__(self) -> None:
        if self.norm not in get_args(Norm):
            refuse("norm", expected="Linf or L2", got=self.norm, remedy=nearest(str(self.norm), get_args(Norm)))
        eps = parse_strength(self.eps, argument="eps")
        object.__setattr__(self, "eps", check_linf(eps, argument="eps") if self.norm == "Linf" else eps)
        self._check()

    @property
    @abstractmethod
    def passes(self) -> int:
        """Network passes per image of one call at most: a forward and a backward pass count one each."""

    @property
    def name(self) -> str:
        """A short name for tables and files."""
        return type(self).__name__

    @abstractmethod
    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        """Return adversarial images for ``ball.images``; the caller projects them once more."""

    def _close(self, victim: Victim, ball: Ball, goal: Goal, nearest: Tensor) -> Tensor:
        """Return what an attack that minimises makes, within the ball, of the nearest images it found anywhere."""
        return ball.project(nearest)

    def _check(self) -> None:  # noqa: B027 - most attacks have nothing to check
        """Refuse settings that make no sense together."""

    def rescaled(self, factor: float) -> dict[str, Any]:
        """Return the fields, other than `eps`, that change when the strength is multiplied by `factor`."""
        return {}

    @final
    def at(self: Self, eps: float) -> Self:
        """Return the same attack at another strength; explicit step sizes keep their ratio to `eps`."""
        strength = parse_strength(eps, argument="eps")
        changes = self.rescaled(strength / self.eps) if self.eps > 0 and strength > 0 else {}
        return replace(self, eps=strength, **changes)

    @final
    def from_nearest(self, model: Model, images: Tensor, labels: Tensor, nearest: Tensor) -> Tensor:
        """Return adversarial images within `eps` from those that a call at a larger strength found (see `minimises`).

        Args:
            nearest: (B,C,H,W), what that call returned for the same images and labels.
        """
        with torch.inference_mode(False), torch.no_grad(), untouched(model):
            ball, goal = Ball(images, self.eps, self.norm), Goal(labels=_classes(labels, images))
            return ball.project(self._close(Victim(model, checked=False), ball, goal, nearest))

    @final
    def __call__(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        targets: Tensor | None = None,
    ) -> Tensor:
        """Attack a batch, after checking it.

        Args:
            model: images in [0,1] to logits.
            images: (B,C,H,W), float32 or float64, in [0,1].
            labels: (B,), the true classes.
            generator: source of all randomness, on any device.
            targets: (B,), the classes to be predicted instead; None to leave the true class in any direction.

        Returns:
            Adversarial images (B,C,H,W).

        Raises:
            InputError: images, labels, targets or the model's output are not as described, or not finite.
            GradientError: the attack needs a gradient and the model gives none.
        """
        _check_shapes(images, labels, targets)
        highest = _check_values(images, labels, targets)
        victim = Victim(model, checked=True, highest_label=highest)
        adversarial = self._run(victim, model, images, labels, generator, targets)
        victim.refuse_broken_gradients()
        return adversarial

    @final
    def perturb(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        targets: Tensor | None = None,
    ) -> Tensor:
        """Do what a call does without reading a single value back from the device: for training loops.

        Shapes are checked, values are not; NaN goes in and comes out.
        """
        _check_shapes(images, labels, targets)
        return self._run(Victim(model, checked=False), model, images, labels, generator, targets)

    def _run(
        self,
        victim: Victim,
        model: Model,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None,
        targets: Tensor | None,
    ) -> Tensor:
        if targets is not None and not self.targetable:
            remedy = "use APGD, PGD or Square for a targeted attack"
            refuse("targets", expected=f"none, {self.name} is untargeted", got="targets", remedy=remedy)
        if self.eps == 0 or images.shape[0] == 0:
            return images.detach().clone()
        generator = stream(0, "attack", self.name, device=images.device) if generator is None else generator
        # Tensors made inside inference_mode cannot carry gradients; a copy made outside it can.
        with torch.inference_mode(False), torch.no_grad(), untouched(model):
            clean = images.clone() if images.is_inference() else images.detach()
            goal = Goal(labels=_classes(labels if targets is None else targets, clean), targeted=targets is not None)
            ball = Ball(clean, self.eps, self.norm)
            adversarial = ball.project(self._craft(victim, ball, goal, generator))
        return adversarial if adversarial.stride() == images.stride() else torch.empty_like(images).copy_(adversarial)


def _classes(labels: Tensor, images: Tensor) -> Tensor:
    labels = labels.to(device=images.device, dtype=torch.int64)
    return labels.clone() if labels.is_inference() else labels


def _check_shapes(images: Tensor, labels: Tensor, targets: Tensor | None) -> None:
    if images.ndim != 4:
        remedy = "add the batch axis with images[None]" if images.ndim == 3 else ""
        refuse("images", expected="shape (B,C,H,W)", got=tuple(images.shape), remedy=remedy)
    if images.dtype not in (torch.float32, torch.float64):
        remedy = "divide 0..255 images by 255" if images.dtype == torch.uint8 else "convert them with .float()"
        refuse("images", expected="float32 or float64 in [0,1]", got=str(images.dtype), remedy=remedy)
    for argument, classes in (("labels", labels), ("targets", targets)):
        if classes is None:
            continue
        if tuple(classes.shape) != (images.shape[0],):
            refuse(
                argument,
                expected=f"one class per image, shape ({images.shape[0]},)",
                got=tuple(classes.shape),
                remedy="turn one-hot rows into classes with .argmax(1)" if classes.ndim == 2 else "",
            )
        if classes.is_floating_point() or classes.dtype == torch.bool:
            refuse(argument, expected="integer classes", got=str(classes.dtype), remedy="convert them with .long()")


def _check_values(images: Tensor, labels: Tensor, targets: Tensor | None) -> int:
    """Refuse pixels outside [0,1] and negative classes, reading the device once; return the highest class."""
    if images.shape[0] == 0:
        return -1
    given = [labels] if targets is None else [labels, targets]
    extremes = [bound.double().to(images.device) for classes in given for bound in classes.aminmax()]
    numbers = torch.stack([*(bound.double() for bound in images.detach().aminmax()), *extremes]).tolist()
    low, high, classes_seen = numbers[0], numbers[1], numbers[2:]
    if not low <= high:
        refuse("images", expected="finite pixels", got="NaN", remedy="look at the preprocessing")
    if low < 0 or high > 1:
        remedy = "divide 0..255 images by 255" if low >= 0 and high > 2 else "put normalisation inside the model"
        refuse("images", expected="pixels in [0,1]", got=f"[{low:g}, {high:g}]", remedy=remedy)
    if min(classes_seen) < 0:
        argument = "labels" if min(classes_seen[:2]) < 0 else "targets"
        got, remedy = f"{min(classes_seen):g}", "drop unlabelled images"
        refuse(argument, expected="classes counted from 0", got=got, remedy=remedy)
    return int(max(classes_seen))

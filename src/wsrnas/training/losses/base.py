"""What every training loss takes and gives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import ClassVar, Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.types import Images, Labels, Logits, Norm, check_linf

AttackMode = Literal["eval", "train"]
Attacked: TypeAlias = Float[Tensor, "A C H W"]
"""Adversarial images; A may be a multiple of the B images they were made of."""


class TrainingLoss(ABC):
    """The loss of one batch and the logits to count its accuracy with.

    Subclasses are frozen keyword-only dataclasses with a `name`; their fields are what `loss.settings` may set. The
    model is expected in training mode and is left in it; its parameters are differentiated only by the caller, its
    BatchNorm statistics move only in the forward passes that the loss itself makes, never in an attack. Models without
    running averages (the super-network) are the same network in both modes, so `attack_mode` changes nothing for them.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def passes(self) -> int:
        """Network passes per image of one batch; a forward and a backward pass each count one."""

    @abstractmethod
    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the mean loss per image, and the logits (B, classes) of the images that the loss trains on."""

    def largest_strength(self) -> float | None:
        """Return the largest radius trained at, which held-out images are attacked with; None trains without noise."""
        return None

    def updates(
        self,
        model: nn.Module,
        images: Images,
        labels: Labels,
        generator: torch.Generator,
        carried: MutableMapping[str, Tensor],
    ) -> Iterator[tuple[Float[Tensor, ""], Logits]]:
        """Yield what a call returns, once for every optimiser step that this batch is used for: one, unless overridden.

        The caller backpropagates and steps between two yields, so a loss may use the gradients of its last yield.
        `carried` is kept from batch to batch and in checkpoints: tensors with a row for each image, of which several
        processes hold their own, and numbers.
        """
        yield self(model, images, labels, generator)


class AdversarialLoss(TrainingLoss):
    """A loss in two parts: the images that maximise it, then its value there, which is what the weights minimise.

    Weight perturbation needs them apart: it evaluates the second at other weights than the first.
    """

    @abstractmethod
    def attacked(self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator) -> Attacked:
        """Return the images to train on, made with the present weights; several such batches may be joined."""

    @abstractmethod
    def objective(
        self, model: nn.Module, images: Images, attacked: Attacked, labels: Labels
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the mean loss per image and logits (B, classes) for images and what `attacked` made of them."""

    @final
    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Attack, then return the objective."""
        return self.objective(model, images, self.attacked(model, images, labels, generator), labels)


@contextmanager
def batchnorm_mode(model: nn.Module, mode: AttackMode) -> Iterator[None]:
    """Put every module in the mode inside the block and give each its own back afterwards."""
    before = [(module, module.training) for module in model.modules()]
    model.train(mode == "train")
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def check_radius(strength: float, setting: str, norm: Norm) -> None:
    """Refuse a radius that no attack can train with."""
    argument = f"loss.settings.{setting}"
    if not (math.isfinite(strength) and strength > 0):
        refuse(argument, expected="a radius > 0", got=strength, remedy="use the loss 'standard' to train without noise")
    if norm == "Linf":
        check_linf(strength, argument=argument)


def check_steps(steps: int, step_size: float | None = None) -> None:
    """Refuse an attack without steps, or one that does not move."""
    if step_size is not None and not step_size > 0:
        remedy = "leave it out for 2.5 eps / steps"
        refuse("loss.settings.step_size", expected="a radius > 0", got=step_size, remedy=remedy)
    if steps < 1:
        refuse("loss.settings.steps", expected="at least 1 attack step", got=steps)


def check_mode(mode: str) -> None:
    """Refuse an unknown BatchNorm behaviour."""
    if mode not in ("eval", "train"):
        refuse("loss.settings.attack_mode", expected="'eval' or 'train'", got=mode)


def check_smoothing(share: float) -> None:
    """Refuse a share of the labels that leaves nothing to learn."""
    if not 0 <= share < 1:
        refuse("loss.settings.label_smoothing", expected="a share in [0,1)", got=share, remedy="0 keeps the labels")

"""What every training loss takes and gives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.types import Images, Labels, Logits, Norm, check_linf

AttackMode = Literal["eval", "train"]


class TrainingLoss(ABC):
    """The loss of one batch and the logits to count its accuracy with.

    Subclasses are frozen keyword-only dataclasses with a `name`. The model is expected in training mode and is left in
    it; its parameters are differentiated only by the caller, its BatchNorm statistics move only in the forward passes
    that the loss itself makes, never in an attack. Models without running averages (the super-network) are the same
    network in both modes, so `attack_mode` changes nothing for them.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def passes(self) -> int:
        """Network passes per image of one training step; a forward and a backward pass each count one."""

    @abstractmethod
    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the mean loss per image, and the logits (B, classes) of the images that the loss trains on."""


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


def check_radius(strength: float, argument: str, norm: Norm) -> None:
    """Refuse a radius that no attack can train with."""
    if not (math.isfinite(strength) and strength > 0):
        refuse(argument, expected="a radius > 0", got=strength, remedy="use the loss 'standard' to train without noise")
    if norm == "Linf":
        check_linf(strength, argument=argument)


def check_steps(steps: int, step_size: float | None = None) -> None:
    """Refuse an attack without steps, or one that does not move."""
    if step_size is not None and not step_size > 0:
        refuse("loss.step_size", expected="a radius > 0", got=step_size, remedy="leave it out for 2.5 eps / steps")
    if steps < 1:
        refuse("loss.steps", expected="at least 1 attack step", got=steps)


def check_mode(mode: str) -> None:
    """Refuse an unknown BatchNorm behaviour."""
    if mode not in ("eval", "train"):
        refuse("loss.attack_mode", expected="'eval' or 'train'", got=mode)

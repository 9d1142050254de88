"""Attack objects of foolbox, torchattacks and ART as attacks of ours, so that they can join the worst case."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from wsrnas.attacks.norms import Ball
from wsrnas.attacks.victim import untouched
from wsrnas.errors import InputError, refuse
from wsrnas.rng import derive_seed
from wsrnas.types import Norm

Call: TypeAlias = Callable[[nn.Module, Tensor, Tensor, float], Tensor]
"""(model, images, labels, strength) to adversarial images."""


@dataclass(frozen=True, kw_only=True)
class ForeignAttack:
    """Another library's attack behind `attack(model, images, labels, generator)`.

    Its images are projected to the ball and to [0,1], as other libraries leave them by float error. It draws from
    torch's global generator, which is seeded from ours for the call and put back afterwards.
    """

    name: str
    call: Call
    norm: Norm = "Linf"
    eps: float = 0.0
    passes: int = 0
    needs_gradient: bool = True

    def at(self, eps: float) -> ForeignAttack:
        """Return the same attack at another strength."""
        return ForeignAttack(
            name=self.name,
            call=self.call,
            norm=self.norm,
            eps=eps,
            passes=self.passes,
            needs_gradient=self.needs_gradient,
        )

    def __call__(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return adversarial images (B,C,H,W)."""
        seed = 0 if generator is None else int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
        with torch.random.fork_rng(), untouched(model):
            torch.manual_seed(derive_seed(seed, self.name))
            moved = self.call(model, images, labels, self.eps).detach().to(images)
        return Ball(images, self.eps, self.norm).project(moved)

    def __repr__(self) -> str:
        """Return the name, strength and norm; the call itself has no stable text."""
        return f"ForeignAttack({self.name}, eps={self.eps:g}, norm={self.norm})"


def from_foolbox(attack: Any, *, norm: Norm = "Linf", name: str | None = None) -> ForeignAttack:
    """Wrap a foolbox attack, which is called with `epsilons=strength`.

    Raises:
        InputError: foolbox is not installed, or the object is not one of its attacks.
    """
    foolbox = _library("foolbox")
    if not isinstance(attack, foolbox.attacks.base.Attack):
        refuse("attack", expected="a foolbox attack such as foolbox.attacks.LinfPGD()", got=type(attack).__name__)

    def call(model: nn.Module, images: Tensor, labels: Tensor, strength: float) -> Tensor:
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
        _, clipped, _ = attack(wrapped, images, labels, epsilons=strength)
        return torch.as_tensor(clipped)

    return ForeignAttack(name=name or f"foolbox-{type(attack).__name__}", call=call, norm=norm)


def from_torchattacks(build: Callable[..., Any], *, norm: Norm = "Linf", name: str | None = None) -> ForeignAttack:
    """Wrap a torchattacks class or a function (model, eps) to an attack: ``from_torchattacks(torchattacks.PGD)``.

    torchattacks objects own their model, so the class is wanted, not an object; extra settings go through
    ``lambda model, eps: torchattacks.PGD(model, eps=eps, alpha=eps / 4, steps=20)``.

    Raises:
        InputError: an object was given instead of a class or function.
    """
    if not isinstance(build, (type, FunctionType, partial)):
        remedy = "pass torchattacks.PGD, or lambda model, eps: torchattacks.PGD(model, eps=eps)"
        refuse("build", expected="a torchattacks class or a function", got=type(build).__name__, remedy=remedy)

    def call(model: nn.Module, images: Tensor, labels: Tensor, strength: float) -> Tensor:
        return torch.as_tensor(build(model, eps=strength)(images, labels))

    label = name or f"torchattacks-{getattr(build, '__name__', 'attack').strip('<>')}"
    return ForeignAttack(name=label, call=call, norm=norm)


def from_art(build: Callable[..., Any], *, norm: Norm = "Linf", name: str | None = None) -> ForeignAttack:
    """Wrap an ART attack given a function (ART classifier, eps) to an attack object.

    ``from_art(lambda classifier, eps: ProjectedGradientDescent(classifier, eps=eps, eps_step=eps / 8, verbose=False))``

    Raises:
        InputError: ART is not installed.
    """
    classifiers = _library("art.estimators.classification", "adversarial-robustness-toolbox")

    def call(model: nn.Module, images: Tensor, labels: Tensor, strength: float) -> Tensor:
        with torch.no_grad():
            classes = model(images[:1]).shape[1]
        classifier = classifiers.PyTorchClassifier(
            model,
            loss=nn.CrossEntropyLoss(),
            input_shape=tuple(images.shape[1:]),
            nb_classes=classes,
            clip_values=(0.0, 1.0),
            device_type="cpu" if images.device.type == "cpu" else "gpu",
        )
        moved = build(classifier, strength).generate(x=images.cpu().numpy(), y=labels.cpu().numpy())
        return torch.from_numpy(moved)

    return ForeignAttack(name=name or "art-attack", call=call, norm=norm)


def _library(module: str, package: str | None = None) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(f"attack: {package or module} is not installed; pip install {package or module}") from error

"""Papernot's black box: learn the victim from its labels, attack what was learned, transfer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks.base import Attack
from wsrnas.attacks.draws import draw_seed
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal, Objective
from wsrnas.attacks.pgd import PGD
from wsrnas.attacks.transfer import check_inner, craft_on
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse
from wsrnas.rng import fixed_global_seed

SubstituteBuilder: TypeAlias = Callable[[int, int], nn.Module]
"""(channels, classes) to a fresh network from images in [0,1] to logits."""


def small_substitute(channels: int, classes: int) -> nn.Module:
    """Return two convolutions and two linear layers, for images of any size."""
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(32 * 16, 64),
        nn.ReLU(),
        nn.Linear(64, classes),
    )


@final
@dataclass(frozen=True, kw_only=True)
class BlackBox(Attack):
    """Train a substitute on the victim's labels, craft on it, hand the images over.

    Each round labels the attacker's images by the victim's argmax, trains the substitute on them, and adds
    S ← S ∪ {clip(x + λ·sign ∇_x F_{Õ(x)}(x))}, Õ the victim's label and F the substitute (Jacobian-based augmentation).

    Args:
        seed_images: (N,C,H,W) in [0,1], the attacker's own images; None takes the images under attack, which is the
            attacker's best case. They are never trained with their true labels.
        rounds: times the set is augmented; it doubles each time.
        max_images: the most images added in one round, chosen at random (the paper's reservoir sampling).
        epochs: passes over the set after each augmentation.
        augmentation_step: λ, in pixel units.
        learning_rate: of Adam.
        batch_size: images per update of the substitute.
        attack: what to craft with on the substitute; PGD with 20 steps when None.
        substitute: builds the substitute from (channels, classes).

    Source: Papernot et al., Practical black-box attacks against machine learning, AsiaCCS 2017, Algorithm 1.
    Differs from the paper: Adam for plain SGD; PGD for FGSM; the substitute goes on training instead of starting
    afresh each round.
    """

    seed_images: Tensor | None = field(default=None, compare=False, repr=False)
    rounds: int = 4
    max_images: int = 1000
    epochs: int = 10
    augmentation_step: float = 0.1
    learning_rate: float = 1e-3
    batch_size: int = 64
    attack: Attack | None = None
    substitute: SubstituteBuilder = field(default=small_substitute, repr=False)

    needs_gradient: ClassVar[bool] = False

    def _check(self) -> None:
        for argument, count in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if count < 1:
                refuse(argument, expected="a whole number >= 1", got=count)
        if self.rounds < 0 or self.max_images < 1:
            refuse("rounds and max_images", expected="at least 0 and 1", got=(self.rounds, self.max_images))
        if self.seed_images is not None and self.seed_images.ndim != 4:
            refuse("seed_images", expected="shape (N,C,H,W)", got=tuple(self.seed_images.shape))
        if self.attack is not None:
            check_inner(self.attack, self)

    @property
    def name(self) -> str:
        """Papernot, by whom it is known."""
        return "Papernot"

    @property
    def _inner(self) -> Attack:
        return PGD(eps=self.eps, norm=self.norm) if self.attack is None else self.attack

    @property
    def passes(self) -> int:
        """Passes per seed image: labelling once, training, augmenting (all through the substitute), crafting."""
        trained = sum(2**number for number in range(self.rounds + 1))
        return 2**self.rounds + 2 * self.epochs * trained + 2 * (2**self.rounds - 1) + self._inner.passes

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        seeds = ball.images if self.seed_images is None else self.seed_images.to(ball.images)
        return craft_on(self._learn(victim, seeds, generator), self._inner, ball, goal, generator)

    def _learn(self, victim: Victim, images: Tensor, generator: torch.Generator) -> nn.Module:
        """Return the trained substitute, in eval mode."""
        labels, classes = _label(victim, images, self.batch_size)
        with fixed_global_seed(draw_seed(generator), "substitute"):
            network = self.substitute(images.shape[1], classes).to(images)
        optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate)
        self._train(network, optimizer, images, labels, generator)
        for _ in range(self.rounds):
            added = self._augment(network, images, labels, generator)
            images = torch.cat([images, added])
            labels = torch.cat([labels, _label(victim, added, self.batch_size)[0]])
            self._train(network, optimizer, images, labels, generator)
        return network.eval()

    @torch.enable_grad()
    def _train(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator,
    ) -> None:
        network.train()
        for _ in range(self.epochs):
            order = torch.randperm(images.shape[0], generator=generator, device=generator.device).to(images.device)
            for rows in order.split(self.batch_size):
                optimizer.zero_grad()
                functional.cross_entropy(network(images[rows]), labels[rows]).backward()
                optimizer.step()

    def _augment(self, network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        order = torch.randperm(images.shape[0], generator=generator, device=generator.device).to(images.device)
        rows = order[: self.max_images]
        substitute = Victim(network.eval(), checked=False)
        gradients = [
            substitute.climb(images[part], _own_logit(labels[part]))[0] for part in rows.split(self.batch_size)
        ]
        return (images[rows] + self.augmentation_step * torch.cat(gradients).sign()).clamp(0.0, 1.0)


def _own_logit(labels: Tensor) -> Objective:
    return lambda logits: logits.gather(1, labels[:, None])[:, 0]


def _label(victim: Victim, images: Tensor, batch_size: int) -> tuple[Tensor, int]:
    """Return the victim's classes of the images, and how many classes it has."""
    logits = torch.cat([victim.predict(part) for part in images.split(batch_size)])
    return logits.argmax(dim=1), logits.shape[1]

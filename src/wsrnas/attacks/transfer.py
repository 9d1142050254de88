"""Attacks crafted on other models than the one attacked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from wsrnas.attacks.base import Attack
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.pgd import PGD
from wsrnas.attacks.victim import Victim, own_copy
from wsrnas.errors import refuse


class MeanLogits(nn.Module):
    """The mean of several models' logits, (B,C,H,W) -> (B,K)."""

    def __init__(self, *models: nn.Module) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, images: Tensor) -> Tensor:
        """Average the logits."""
        return torch.stack([model(own_copy(images)) for model in self.models]).mean(dim=0)


def craft_on(source: nn.Module, attack: Attack, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
    """Run `attack`, brought to the strength of the ball, on another model than the one attacked."""
    targets = goal.labels if goal.targeted else None
    return attack.at(ball.eps).perturb(source, ball.images, goal.labels, generator, targets=targets)


def check_inner(attack: Attack, outer: Attack, argument: str = "attack") -> None:
    """Refuse an inner attack in another norm than the outer one."""
    if attack.norm != outer.norm:
        remedy = f"write {argument}={type(attack).__name__}(norm={outer.norm!r}, …)"
        refuse(argument, expected=f"an attack in {outer.norm}", got=attack.norm, remedy=remedy)


@final
@dataclass(frozen=True, kw_only=True)
class Transfer(Attack):
    """Craft on the `sources`, by their mean logits, and hand the images over as they are; the model is never asked.

    Args:
        sources: other models with the same classes. They should be in eval mode.
        attack: what to craft with, its `eps` replaced by that of the transfer; PGD with 20 steps when None.

    Source: Liu et al., Delving into transferable adversarial examples and black-box attacks, ICLR 2017 (ensembles).
    Differs from the paper: logits are averaged, not probabilities.
    """

    sources: tuple[nn.Module, ...] = field(repr=False)
    attack: Attack | None = None

    needs_gradient: ClassVar[bool] = False

    def _check(self) -> None:
        if self.attack is not None:
            check_inner(self.attack, self)
        if not self.sources or not all(isinstance(source, nn.Module) for source in self.sources):
            shown = tuple(type(source).__name__ for source in self.sources)
            refuse("sources", expected="one or more torch modules", got=shown, remedy="write sources=(model,)")

    @property
    def name(self) -> str:
        """Transfer and the attack it crafts with."""
        return f"Transfer({self._inner.name})"

    @property
    def _inner(self) -> Attack:
        return PGD(eps=self.eps, norm=self.norm) if self.attack is None else self.attack

    @property
    def passes(self) -> int:
        """Passes through the sources; none through the attacked model."""
        return self._inner.passes * len(self.sources)

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        source = self.sources[0] if len(self.sources) == 1 else MeanLogits(*self.sources)
        return craft_on(source, self._inner, ball, goal, generator)

"""One attack over a vector of strengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.victim import Model
from wsrnas.types import parse_strengths


@final
@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Run `attack` at every strength in turn: {x + δ_ε1, …, x + δ_εS}, (B,C,H,W) -> (S,B,C,H,W).

    Each strength is attacked on its own from the same generator, so any one of them is what a plain call would give at
    that state of the generator; a strength of 0 gives the images themselves.

    Args:
        attack: its own `eps` is replaced by each strength.
        strengths: ascending radii in the attack's norm.

    Raises:
        InputError: unreadable, unsorted or repeated strengths, and whatever a single attack refuses.
    """

    attack: Attack
    strengths: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "strengths", parse_strengths(self.strengths, norm=self.attack.norm))

    @property
    def passes(self) -> int:
        """Network passes per image over all strengths."""
        return self.attack.passes * sum(strength > 0 for strength in self.strengths)

    def __call__(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        targets: Tensor | None = None,
    ) -> Tensor:
        """Return adversarial images (S,B,C,H,W), strengths along the first axis; arguments as for one attack."""
        attacks = [self.attack.at(strength) for strength in self.strengths]
        return torch.stack([attack(model, images, labels, generator, targets=targets) for attack in attacks])

    def perturb(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        targets: Tensor | None = None,
    ) -> Tensor:
        """Do what a call does without the checks of values, as `Attack.perturb`."""
        attacks = [self.attack.at(strength) for strength in self.strengths]
        return torch.stack([attack.perturb(model, images, labels, generator, targets=targets) for attack in attacks])

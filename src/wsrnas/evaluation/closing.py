"""The attacks that a suite keeps for last: costly ones, for images that almost broke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn

from wsrnas.evaluation.record import AnyAttack
from wsrnas.types import Norm

WITHIN = 1.2
"""How much farther than the strength the nearest adversarial image may lie for an image to be worth the cost."""


@final
@dataclass(frozen=True, kw_only=True)
class Closing:
    """An attack on images that are still right and almost broke.

    Args:
        attack: what to run.
        within: an image almost broke if its nearest adversarial image lies within so many strengths, as far as the
            minimum-norm attacks before it found one; where they found none the image is attacked.
        after: only at strengths where the attack of this label broke what all before it had left; empty: always.
    """

    attack: AnyAttack
    within: float = WITHIN
    after: str = ""

    @property
    def norm(self) -> Norm:
        """The norm of the attack."""
        return self.attack.norm

    @property
    def name(self) -> str:
        """The name of the attack, and that it closes."""
        return f"{self.attack.name} closing"

    @property
    def needs_gradient(self) -> bool:
        """As the attack does."""
        return self.attack.needs_gradient

    @property
    def passes(self) -> int:
        """Those of the attack."""
        return self.attack.passes

    def at(self, eps: float) -> Closing:
        """Return the same at another strength."""
        return replace(self, attack=self.attack.at(eps))

    def __call__(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Attack."""
        return torch.as_tensor(self.attack(model, images, labels, generator))

    def chosen(self, alive: Tensor, distances: list[Tensor], strength: float, broke: Mapping[str, int]) -> Tensor:
        """Return which images to attack (B,).

        Args:
            alive: (B,), right so far.
            distances: (B,) of each minimum-norm attack, inf where it found nothing.
            broke: how many images each attack broke at this strength that those before it had left.
        """
        if self.after and not broke.get(self.after):
            return torch.zeros_like(alive)
        if not distances:
            return alive
        nearest = torch.stack(distances).amin(0)
        return alive & ((nearest <= self.within * strength) | nearest.isinf())

"""One attack at one strength on some images: what evaluation asks of an attack, and what it keeps of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from wsrnas.types import Norm

EXAMPLES = 4


@runtime_checkable
class AnyAttack(Protocol):
    """What evaluation asks of an attack: `wsrnas.attacks`, or one from elsewhere through `adapters`."""

    @property
    def norm(self) -> Norm:
        """The norm its strength is a radius in."""

    @property
    def name(self) -> str:
        """A short name for tables and files."""

    @property
    def needs_gradient(self) -> bool:
        """Whether the attacked model must be differentiable."""

    @property
    def passes(self) -> int:
        """Network passes per image of one call at most."""

    def at(self, eps: float) -> AnyAttack:
        """Return the same attack at another strength."""

    def __call__(self, model: Any, images: Any, labels: Any, generator: torch.Generator | None = None) -> Any:
        """Return adversarial images."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Per-image results; the lists run over `indices`, positions in the evaluated images.

    `nearest`, of attacks that look for the nearest adversarial image, is how far away they found one at any strength,
    None where they found none. `remembering` counts adversarial images to which the attacked model gave another answer
    than a copy of it that had seen nothing; `broken_gradients` says that a gradient was NaN or infinite on the way.
    """

    attack: str
    strength: float
    indices: list[int]
    broken: list[bool]
    broken_eight_bit: list[bool]
    distance: list[float]
    nearest: list[float | None] | None = None
    remembering: int = 0
    broken_gradients: bool = False


def verified(records: Sequence[Record], norm: Norm) -> dict[str, Any]:
    """Return what was verified over all attacks and strengths."""
    broken = sum(sum(record.broken) for record in records)
    rounded = sum(sum(record.broken_eight_bit) for record in records)
    farthest = max((max(r.distance, default=0.0) / r.strength for r in records), default=0.0)
    return {
        "adversarial_images_checked": sum(len(record.indices) for record in records),
        "outside_ball": 0,
        "outside_pixel_range": 0,
        "largest_distance_over_strength": farthest,
        "misclassified_in_a_fresh_pass": broken,
        "misclassified_after_8_bit_rounding": rounded,
        "share_surviving_8_bit_rounding": rounded / broken if broken else None,
        "answers_unlike_a_fresh_copy": sum(record.remembering for record in records),
        "broken_gradients": any(record.broken_gradients for record in records),
        "norm": norm,
    }

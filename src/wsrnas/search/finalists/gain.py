"""What the winner gains on random architectures of its size, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from wsrnas.evaluation.statistics import normal_quantile


@dataclass(frozen=True, kw_only=True)
class Gain:
    """Points of wide accuracy, as fractions, by which the winner is ahead, with a 95 % interval over test images."""

    mean: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Return what comparison.json holds."""
        return asdict(self)


def gain_of(winner: Tensor, others: Sequence[Tensor]) -> Gain:
    """ḡ ± 1.96 s/√n, where g_i is the share of strengths at which the winner is right on image i, less theirs.

    The images are the same for all, so that easy and hard ones cancel; the interval says how far other images would
    move the gain, not how far other trainings or other random architectures would.

    Args:
        winner: (n,), share of the attacked strengths at which an image is classified correctly.
        others: the same of every random architecture.
    """
    gains = winner.double() - torch.stack(list(others)).double().mean(0)
    mean = float(gains.mean())
    half = normal_quantile(0.95) * float(gains.std()) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    return Gain(mean=mean, low=max(mean - half, -1.0), high=min(mean + half, 1.0))


def spoken(gain: dict[str, float]) -> str:
    """Return a gain in words, in points."""
    mean, low, high = (f"{100 * gain[name]:+.1f}" for name in ("mean", "low", "high"))
    return f"{mean} points of wide accuracy (95 % interval over the test images: {low} to {high})"

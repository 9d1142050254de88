"""What an attack climbs: one number per image, larger is worse for the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from wsrnas.errors import nearest, refuse
from wsrnas.types import Labels, Logits

LossName = Literal["ce", "margin", "dlr"]
Objective: TypeAlias = Callable[[Tensor], Tensor]
"""Logits (B,K) to one loss per image (B,), to be made large."""

_TINY = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Goal:
    """What counts as success: leave the class in `labels`, or, when `targeted`, arrive there."""

    labels: Labels
    targeted: bool = False

    def reached(self, logits: Logits) -> Bool[Tensor, "B"]:
        """Return which images the attack has won."""
        hit = logits.argmax(dim=1) == self.labels
        return hit if self.targeted else ~hit

    def objective(self, name: LossName) -> Objective:
        """Return the loss of that name, signed so that larger is nearer to success."""
        loss, sign = _LOSSES[name], (-1.0 if self.targeted else 1.0)
        return lambda logits: sign * loss(at_least_single(logits), self.labels)

    def subset(self, rows: Int[Tensor, "N"]) -> Goal:
        """Return the goal of some of the images."""
        return Goal(labels=self.labels[rows], targeted=self.targeted)


def at_least_single(logits: Logits) -> Logits:
    """Return the logits in float32 or finer, so that losses are not rounded to half precision."""
    return logits if logits.dtype == torch.float64 else logits.float()


def check_loss(name: str) -> None:
    """Refuse an unknown loss name."""
    known = get_args(LossName)
    if name not in known:
        refuse("loss", expected=f"one of {', '.join(known)}", got=name, remedy=nearest(name, known))


def best_other(logits: Logits, labels: Labels) -> Float[Tensor, "B"]:
    """Return max_{j≠y} z_j."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.amax(dim=1)


def cross_entropy(logits: Logits, labels: Labels) -> Float[Tensor, "B"]:
    """Return −log softmax(z)_y, image by image."""
    return functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Logits, labels: Labels) -> Float[Tensor, "B"]:
    """Return max_{j≠y} z_j − z_y: positive exactly when the image is misclassified."""
    return best_other(logits, labels) - logits.gather(1, labels[:, None])[:, 0]


def difference_of_logits_ratio(logits: Logits, labels: Labels) -> Float[Tensor, "B"]:
    """Return DLR = (max_{j≠y} z_j − z_y) / (z_π1 − z_π3), π sorting the logits in descending order.

    Unchanged when the logits are shifted or scaled, so that saturated logits do not hide the gradient.

    Source: Croce and Hein, Reliable evaluation of adversarial robustness, ICML 2020, Eq. 6.
    Differs from the paper: with two classes there is no third logit, and the margin is used as it is.
    """
    if logits.shape[1] < 3:
        return margin(logits, labels)
    top = logits.topk(3, dim=1).values
    return margin(logits, labels) / (top[:, 0] - top[:, 2] + _TINY)


def targeted_dlr(logits: Logits, labels: Labels, targets: Labels) -> Float[Tensor, "B"]:
    """Return DLR towards one wrong class: (z_t − z_y) / (z_π1 − (z_π3 + z_π4)/2).

    Source: Croce and Hein, ICML 2020, Eq. 7.
    Differs from the paper: with fewer than four classes the plain difference z_t − z_y is used.
    """
    gain = logits.gather(1, targets[:, None])[:, 0] - logits.gather(1, labels[:, None])[:, 0]
    if logits.shape[1] < 4:
        return gain
    top = logits.topk(4, dim=1).values
    return gain / (top[:, 0] - 0.5 * (top[:, 2] + top[:, 3]) + _TINY)


def class_gap(labels: Labels, targets: Labels) -> Objective:
    """Return the loss z_t − z_y: the targets' logits minus those of the true classes."""
    return lambda logits: (logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None]))[:, 0]


_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ce": cross_entropy,
    "margin": margin,
    "dlr": difference_of_logits_ratio,
}

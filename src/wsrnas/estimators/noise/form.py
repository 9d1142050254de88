"""The two forms of every learned design: as the paper prints it, and corrected."""

from __future__ import annotations

import math
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from wsrnas.errors import one_of, refuse
from wsrnas.estimators.noise.base import Strengths, WantedStrengths
from wsrnas.estimators.noise.weighted_average import Weights
from wsrnas.types import Noises, Norm

Form = Literal["corrected", "printed"]
"""``printed``: noises, strengths and scores as they are, keys and first states without layers of their own, and the
weights of Eq. 6 as printed. ``corrected``: noises in units of their strength, strengths of order one, scores over √d,
keys and first states through a layer, linear weights."""
STRENGTH_UNIT = 0.1
"""The corrected form divides strengths by this before it encodes them."""

Setting = TypeVar("Setting")


def check_form(form: Form) -> None:
    """Refuse a form there is not."""
    one_of("form", form, get_args(Form))


def only_corrected(form: Form, argument: str, value: Setting | None, default: Setting, *, why: str) -> Setting:
    """Return a setting of the corrected form, or refuse one given to the printed form, which has no use for it."""
    if form == "printed" and value is not None:
        refuse(argument, expected=f"none in the printed form, {why}", got=value, remedy="leave it out")
    return default if value is None else value


def average_of(form: Form, weights: Weights | None) -> Weights:
    """Return the weights of Eq. 6 to use: those of the form unless others are given."""
    found: Weights = ("paper" if form == "printed" else "linear") if weights is None else weights
    one_of("weights", found, get_args(Weights))
    return found


def entering(known_noise: Noises, known: Strengths, form: Form, norm: Norm) -> Noises:
    """Return the noises as the networks see them; corrected, pixels are of order one.

    That is noise over strength: within ±1 (L∞), or of mean square 1 (L2).
    """
    if form == "printed":
        return known_noise
    unit = known_noise / known[:, :, None, None, None]
    return unit if norm == "Linf" else unit * math.sqrt(known_noise[0, 0].numel())


def leaving(drawn: Noises, wanted: WantedStrengths, form: Form, norm: Norm) -> Noises:
    """Turn what a network draws (B,N2,C,H,W) back into noises of the wanted strengths."""
    if form == "printed":
        return drawn
    scale = wanted if norm == "Linf" else wanted / math.sqrt(drawn[0, 0].numel())
    return scale[:, :, None, None, None] * drawn


def attend(queries: Tensor, keys: Tensor, form: Form) -> Tensor:
    """Return softmax(K q) over the keys, (B,N2,N1), of queries (B,N2,d) and keys (B,N1,d); corrected, K q/√d."""
    scores = queries @ keys.transpose(1, 2)
    return torch.softmax(scores if form == "printed" else scores / math.sqrt(keys.shape[2]), dim=2)


class StrengthEncoder(nn.Module):
    """Encode strengths (…,) as (…, size)."""

    def __init__(self, size: int, form: Form) -> None:
        super().__init__()
        self.unit = 1.0 if form == "printed" else STRENGTH_UNIT
        self.linear = nn.Linear(1, size)

    def forward(self, strengths: Tensor) -> Tensor:
        """Return the encodings."""
        return torch.relu(self.linear(strengths[..., None] / self.unit))


def pick(states: Tensor, position: Tensor) -> Tensor:
    """Return states (B,S,…) at positions (B,N2)."""
    return states[torch.arange(len(states), device=states.device)[:, None], position]

"""What the comparisons with other libraries share: importing them, scoring, and the tolerance."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from wsrnas.attacks import Attack

if TYPE_CHECKING:
    from tests.attacks.conftest import Trained

# foolbox and torchattacks still import gaussian_filter from a namespace that SciPy has deprecated.
SCIPY = (".*scipy.ndimage.filters.*",)
STRENGTHS = {"Linf": 0.12, "L2": 0.6}


def load(name: str, *, harmless: Sequence[str]) -> ModuleType:
    """Import a peer, or skip; `harmless` are the only warnings it may give while being imported."""
    with warnings.catch_warnings():
        for message in harmless:
            warnings.filterwarnings("ignore", message=message)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as missing:
            pytest.skip(f"the peer {name} is not installed: {missing}")


def right(trained: Trained, adversarial: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = trained.model(adversarial)
        return logits.argmax(1) == trained.labels


def compare(trained: Trained, ours: Tensor, theirs: Tensor, *, same: bool = True) -> None:
    """Check that ours is not weaker, and when the settings are the `same`, not much stronger either."""
    noise = theirs - trained.images
    assert noise.abs().max() > 0
    mine, peer = right(trained, ours), right(trained, theirs)
    images = len(peer)
    accuracy, other = 100.0 * float(mine.float().mean()), 100.0 * float(peer.float().mean())
    spread = 200.0 * float((mine != peer).sum()) ** 0.5 / images
    note = f"ours {accuracy:.1f} %, peer {other:.1f} %, allowed {0.5 + spread:.1f} points"
    print(note)
    assert accuracy <= other + 0.5 + spread, note
    if same:
        assert accuracy >= other - 1.0 - spread, note


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def attack_with(trained: Trained, attack: Attack) -> Tensor:
    return attack(trained.model, trained.images, trained.labels, seeded())

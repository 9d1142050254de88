"""What is asked of a model before it is attacked; of several processes the first one asks for all."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from wsrnas.evaluation.under_test.copies import Copies
from wsrnas.evaluation.under_test.lock import locked, predict
from wsrnas.evaluation.under_test.probe import probe
from wsrnas.types import Images, Logits


def first_answers(
    network: nn.Module, guarded: nn.Module, images: Images, batch_size: int, device: torch.device
) -> Logits:
    """Return the logits; a model that a forward pass changes is refused here, before hours of attacks.

    Args:
        guarded: the same network, which cannot touch the images.

    Raises:
        InputError: as said, or an output that is no finite logits.
    """
    with locked(network):
        return predict(guarded, images, batch_size=batch_size, device=device)


def look_at(
    copies: Copies, guarded: nn.Module, images: Images, logits: Logits, *, batch_size: int, device: torch.device
) -> tuple[bool, dict[str, Any], str]:
    """Return whether the model answers the same twice, what `probe` shows of it, and why it cannot be copied, if so.

    Args:
        logits: its first answers to the images.
    """
    steady = bool(torch.equal(logits, predict(guarded, images, batch_size=batch_size, device=device)))
    if steady:
        copies.check(images[:batch_size].to(device), logits[:batch_size])
    facts = probe(copies, images, logits, batch_size=batch_size, device=device)
    return steady, facts, copies.reason

"""Clean and robust accuracy on the held-out part of the training set, for following a training and choosing an epoch.

Quick and in one pass; what is reported of a finished network comes from `wsrnas.evaluation`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.attacks.victim import own_copy
from wsrnas.data import Split
from wsrnas.runtime import Runtime


@dataclass(frozen=True)
class HeldOut:
    """Shares of images classified correctly; `robust` is None where no strength was given."""

    clean: float
    robust: float | None
    images: int


def measure_held_out(
    model: nn.Module,
    split: Split,
    *,
    strength: float | None,
    steps: int,
    images: int | None,
    batch_size: int,
    seed: int,
    runtime: Runtime,
) -> HeldOut:
    """Count correct predictions before and after PGD at one L-infinity strength, in eval mode and float32.

    The first `images` of the split are used, and the same random starts each time, so that epochs are comparable.
    The model's mode is put back.
    """
    wanted = len(split) if images is None else min(images, len(split))
    attack = None if strength is None else PGD(eps=strength, steps=steps)
    counts = torch.zeros(3, device=runtime.device)
    training, seen = model.training, 0
    model.eval()
    for index, (batch, labels) in enumerate(split.batches(batch_size, device=runtime.device)):
        batch, labels = batch[: wanted - seen], labels[: wanted - seen]
        seen += len(labels)
        batch, labels = runtime.images(runtime.share(batch)), runtime.share(labels)
        if len(labels):
            counts[0] += len(labels)
            with torch.no_grad():
                counts[1] += (model(own_copy(batch)).argmax(dim=1) == labels).sum()
            if attack is not None:
                generator = rng.stream(seed, "held-out", index, runtime.rank, device=runtime.device)
                adversarial = attack.perturb(model, batch, labels, generator)
                with torch.no_grad():
                    counts[2] += (model(adversarial).argmax(dim=1) == labels).sum()
        if seen >= wanted:
            break
    model.train(training)
    total, clean, robust = (runtime.mean(counts) * runtime.world_size).tolist()
    return HeldOut(clean / total, None if attack is None else robust / total, round(total))

"""Clean and robust accuracy on the held-out part of the training set, for following a training and choosing an epoch.

Quick and in one pass; what is reported of a finished network comes from `wsrnas.evaluation`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.stats import binom
from torch import Tensor, nn

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.attacks.victim import own_copy
from wsrnas.data import Split
from wsrnas.runtime import Runtime, processes
from wsrnas.runtime.shares import sharing

SURE = 0.05
"""A guesser passes for a network that has learned something with at most this probability."""


@dataclass(frozen=True)
class HeldOut:
    """Shares of images classified correctly; `robust` is None where no strength was given.

    `labels` and `predictions` count the images of each class, and the images taken for each class before an attack.
    """

    clean: float
    robust: float | None
    images: int
    labels: tuple[int, ...] = ()
    predictions: tuple[int, ...] = ()

    def learned_nothing(self, classes: tuple[str, ...]) -> str | None:
        """Return why the network is taken to have learned nothing, or None.

        It has learned nothing where it takes every image for one class, or where its answers, given to the images at
        random, would be right as often: a binomial test at the level `SURE` with chance Σ_c labels_c·predictions_c/n².
        Images of a single class say nothing.
        """
        if sum(count > 0 for count in self.labels) < 2:
            return None
        remedy = "train longer, with another learning rate or with less noise; until then no number of it means much"
        most = max(self.predictions)
        if most == self.images:
            index = self.predictions.index(most)
            name = repr(classes[index]) if index < len(classes) else f"number {index}"
            return f"this network has learned nothing: it takes all {self.images} images for class {name}; {remedy}"
        right = round(self.clean * self.images)
        chance = sum(a * b for a, b in zip(self.labels, self.predictions)) / self.images**2
        if binom.sf(right - 1, self.images, chance) <= SURE:
            return None
        return (
            f"this network has learned nothing that can be told from guessing: {right} of {self.images} images are "
            f"right, and about {chance * self.images:.0f} would be were its answers given at random; {remedy}"
        )


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
    seen_labels, seen_predictions = _Counts(), _Counts()
    training, seen = model.training, 0
    model.eval()
    for index, (batch, labels) in enumerate(split.batches(batch_size, device=runtime.device)):
        batch, labels = batch[: wanted - seen], labels[: wanted - seen]
        seen += len(labels)
        with sharing(len(labels)) as share:
            batch, labels = runtime.images(share.of(batch)), share.of(labels)
            with torch.no_grad():
                logits = model(own_copy(batch))
            right = [torch.tensor(len(labels)), (logits.argmax(dim=1) == labels).sum()]
            if attack is not None:
                generator = rng.stream(seed, "held-out", index, 0, device=runtime.device)
                adversarial = attack.perturb(model, batch, labels, generator)
                with torch.no_grad():
                    right.append((model(adversarial).argmax(dim=1) == labels).sum())
            if share.counted:
                for place, count in enumerate(right):
                    counts[place] += count
            counted = slice(None) if share.counted else slice(0)
            seen_labels.add(labels[counted], logits.shape[1])
            seen_predictions.add(logits.argmax(dim=1)[counted], logits.shape[1])
        if seen >= wanted:
            break
    model.train(training)
    total, clean, robust = processes.all_sum(counts).tolist()
    return HeldOut(
        clean / total,
        None if attack is None else robust / total,
        round(total),
        seen_labels.result(),
        seen_predictions.result(),
    )


class _Counts:
    """How often each class was seen, over all batches and processes."""

    def __init__(self) -> None:
        self._counts: Tensor | None = None

    def add(self, classes: Tensor, known: int) -> None:
        """Count a batch; `known` is the number of classes."""
        counts = torch.bincount(classes, minlength=known).float()
        self._counts = counts if self._counts is None else self._counts + counts

    def result(self) -> tuple[int, ...]:
        """Return the counts."""
        if self._counts is None:
            return ()
        return tuple(round(count) for count in processes.all_sum(self._counts).tolist())

"""How well φ does on a network: its noises beside real ones on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from wsrnas.attacks.base import Attack
from wsrnas.estimators.noise.base import NoiseEstimator
from wsrnas.runtime import Runtime
from wsrnas.runtime.processes import all_sum
from wsrnas.runtime.shares import sharing
from wsrnas.search.evaluators.measure import UNREFINED, Batches, Refinement, Spectrum, estimated_noises, real_noises


@dataclass(frozen=True)
class Fidelity:
    """How well φ does at one strength on a fresh sample: share of the accuracy drop recovered, and loss error."""

    share: float | None
    loss_error: float


SMALLEST_DROP = 0.02
"""A real attack that costs less accuracy than this leaves nothing to recover; the share is then undefined."""


def measure_fidelity(
    network: nn.Module,
    batches: Batches,
    spectrum: Spectrum,
    attack: Attack,
    estimator: NoiseEstimator,
    runtime: Runtime,
    refinement: Refinement = UNREFINED,
) -> tuple[dict[float, Fidelity], int]:
    """Attack the estimated strengths for real and compare: (clean − estimated)/(clean − real) accuracy.

    Returns fidelity by estimated strength, and how many images it was measured on.
    """
    estimated = spectrum.estimated
    correct = torch.zeros(1 + 2 * len(estimated), device=runtime.device)
    losses = torch.zeros_like(correct)
    images_seen = 0
    for images, labels in batches:
        images_seen += len(labels)
        with sharing(len(labels)) as part:
            images, labels = runtime.images(part.of(images)), part.of(labels).to(runtime.device)
            noises = real_noises(network, images, labels, (*spectrum.attacked, *estimated), attack, runtime)
            known, real = noises.split([len(spectrum.attacked), len(estimated)], dim=1)
            noise_hat = estimated_noises(network, images, labels, known, spectrum, estimator, refinement, runtime)
            with torch.no_grad():
                shifted = (images, *(images + noise for noise in (*real.unbind(1), *noise_hat.unbind(1))))
                for place, inputs in enumerate(shifted):
                    with runtime.autocast():
                        logits = network(inputs).float()
                    if part.counted:
                        correct[place] += (logits.argmax(dim=1) == labels).sum()
                        losses[place] += functional.cross_entropy(logits, labels, reduction="sum")
    accuracy, mean_loss = ((all_sum(sums) / images_seen).tolist() for sums in (correct, losses))
    found = {}
    for place, strength in enumerate(estimated, start=1):
        drop = accuracy[0] - accuracy[place]
        hat = place + len(estimated)
        share = (accuracy[0] - accuracy[hat]) / drop if drop >= SMALLEST_DROP else None
        found[strength] = Fidelity(share, (mean_loss[hat] - mean_loss[place]) / mean_loss[place])
    return found, images_seen


def too_weak(found: dict[float, Fidelity], bound: float) -> set[float]:
    """Return the strengths whose estimate recovers less than this share of the accuracy drop."""
    return {strength for strength, one in found.items() if one.share is not None and one.share < bound}


def said_of_weak(found: Fidelity, strength: float, bound: float, trained: int) -> str:
    """Return the sentence with which a strength is attacked for real from a training on."""
    return (
        f"the noise estimate at strength {strength:g} recovers {found.share:.0%} of the accuracy drop, below "
        f"{bound:.0%} twice running: attacked for real from training {trained} on"
    )

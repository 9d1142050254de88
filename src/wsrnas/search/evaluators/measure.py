"""The verbs of Algorithm 1 on one network: make noises, estimate noises, measure losses.

Of several processes each works on its rows of every batch, and all return the losses of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks.base import Attack
from wsrnas.attacks.pgd import PGD
from wsrnas.attacks.victim import untouched
from wsrnas.estimators.noise.base import NoiseEstimator, WantedNoises
from wsrnas.estimators.noise.refine import REFINE_STEP, refine_outwards
from wsrnas.runtime import Runtime
from wsrnas.runtime.processes import all_sum
from wsrnas.runtime.shares import sharing
from wsrnas.search.base import Timer
from wsrnas.types import Images, Labels, Losses, Noises

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Spectrum:
    """All strengths of a search and which of them are attacked for real; both ascending."""

    strengths: tuple[float, ...]
    attacked: tuple[float, ...]

    @property
    def estimated(self) -> tuple[float, ...]:
        """The strengths whose noise φ estimates."""
        return tuple(strength for strength in self.strengths if strength not in self.attacked)

    def with_attacked(self, strength: float) -> Spectrum:
        """Return the same spectrum with one more strength attacked for real."""
        return Spectrum(self.strengths, tuple(sorted({*self.attacked, strength})))


@dataclass(frozen=True)
class Refinement:
    """Gradient steps that improve every estimate, of `step_size` times its strength; 0 leaves it as φ gave it."""

    steps: int = 0
    step_size: float = REFINE_STEP

    def passes(self, estimated: int) -> int:
        """Return what they cost for so many estimated strengths, in network passes per image."""
        return 2 * self.steps * estimated


UNREFINED = Refinement()


def real_noises(
    network: nn.Module, images: Images, labels: Labels, strengths: Sequence[float], attack: Attack, runtime: Runtime
) -> Noises:
    """Return δ_ε of every strength, (B,N,C,H,W); what the attacks have in common is done once (`runtime.fast`)."""
    with runtime.autocast():
        if runtime.config.fast and isinstance(attack, PGD) and attack.starts_clean:
            return torch.stack(attack.over(network, images, labels, strengths), dim=1) - images[:, None]
        adversarial = [attack.at(strength).perturb(network, images, labels) for strength in strengths]
    return torch.stack(adversarial, dim=1) - images[:, None]


def estimated_noises(
    network: nn.Module,
    images: Images,
    labels: Labels,
    known: Noises,
    spectrum: Spectrum,
    estimator: NoiseEstimator,
    refinement: Refinement,
    runtime: Runtime,
) -> WantedNoises:
    """Return δ̂_ε̂ of every estimated strength, (B,N2,C,H,W), refined where asked for, from the `known` real noises."""

    def logits(inputs: Tensor) -> Tensor:
        with runtime.autocast():
            found: Tensor = network(inputs)
        return found.float()

    with untouched(network):
        return refine_outwards(
            estimator,
            logits,
            images,
            labels,
            known,
            torch.tensor(spectrum.attacked),
            torch.tensor(spectrum.estimated),
            steps=refinement.steps,
            step_size=refinement.step_size,
        )


def all_noises(
    network: nn.Module,
    images: Images,
    labels: Labels,
    spectrum: Spectrum,
    attack: Attack,
    estimator: NoiseEstimator,
    refinement: Refinement,
    runtime: Runtime,
    timed: Timer,
) -> Noises:
    """Attack at the N1 strengths, estimate the other N2 with φ; return all N1+N2 in ascending order."""
    with timed("attacks on D_v"):
        known = real_noises(network, images, labels, spectrum.attacked, attack, runtime)
    if not spectrum.estimated:
        return known
    with timed("noise estimation"):
        estimated = estimated_noises(network, images, labels, known, spectrum, estimator, refinement, runtime)
    columns = dict(zip(spectrum.attacked, known.unbind(1))) | dict(zip(spectrum.estimated, estimated.unbind(1)))
    return torch.stack([columns[strength] for strength in spectrum.strengths], dim=1)


@torch.no_grad()
def batch_losses(network: nn.Module, images: Images, labels: Labels, noises: Noises, runtime: Runtime) -> Tensor:
    """Return Σ cross-entropy of a batch for the clean images and for each strength, (1+S,).

    Every strength is its own forward pass: BatchNorm takes its statistics from one strength at a time.
    """
    sums = []
    for shifted in (images, *(images + noise for noise in noises.unbind(1))):
        with runtime.autocast():
            logits = network(shifted)
        sums.append(functional.cross_entropy(logits.float(), labels, reduction="sum"))
    return torch.stack(sums)


def measure_losses(
    network: nn.Module,
    batches: Batches,
    spectrum: Spectrum,
    attack: Attack,
    estimator: NoiseEstimator,
    runtime: Runtime,
    timed: Timer,
    refinement: Refinement = UNREFINED,
) -> tuple[Losses, int]:
    """Return the mean losses per image over D_v, index 0 clean, and how many images that were."""
    total = torch.zeros(1 + len(spectrum.strengths), device=runtime.device)
    images_seen = 0
    for images, labels in batches:
        images_seen += len(labels)
        with sharing(len(labels)) as share:
            images, labels = runtime.images(share.of(images)), share.of(labels).to(runtime.device)
            noises = all_noises(network, images, labels, spectrum, attack, estimator, refinement, runtime, timed)
            with timed("measuring"):
                sums = batch_losses(network, images, labels, noises, runtime)
        if share.counted:
            total += sums
    return (all_sum(total) / images_seen).cpu(), images_seen


def attacked_losses(
    network: nn.Module,
    batches: Batches,
    spectrum: Spectrum,
    attack: Attack,
    runtime: Runtime,
    generator_for: Callable[[int], torch.Generator],
) -> tuple[Losses, int]:
    """Return the mean losses per image with every strength attacked for real, in float32, and how many images."""
    total, images_seen = torch.zeros(1 + len(spectrum.strengths), device=runtime.device), 0
    for index, (images, labels) in enumerate(batches):
        images_seen += len(labels)
        with sharing(len(labels)) as share:
            images, labels = runtime.images(share.of(images)), share.of(labels).to(runtime.device)
            shifted = [images]
            for strength in spectrum.strengths:
                shifted.append(attack.at(strength).perturb(network, images, labels, generator_for(index)))
            with torch.no_grad():
                sums = [functional.cross_entropy(network(inputs), labels, reduction="sum") for inputs in shifted]
        if share.counted:
            total += torch.stack(sums)
    return (all_sum(total) / images_seen).cpu(), images_seen


@torch.no_grad()
def clean_loss(network: nn.Module, batches: Batches, runtime: Runtime) -> tuple[Losses, int]:
    """Return the mean clean loss per image over D_v, (1,), and how many images that were."""
    total, images_seen = torch.zeros(1, device=runtime.device), 0
    for images, labels in batches:
        images_seen += len(labels)
        with sharing(len(labels)) as share:
            images, labels = runtime.images(share.of(images)), share.of(labels).to(runtime.device)
            with runtime.autocast():
                logits = network(images)
        if share.counted:
            total += functional.cross_entropy(logits.float(), labels, reduction="sum")
    return (all_sum(total) / images_seen).cpu(), images_seen

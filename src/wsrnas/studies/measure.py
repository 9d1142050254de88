"""What one test network says about every candidate: accuracy and loss under its noises, violations, time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.estimators.noise import NoiseEstimator, refine
from wsrnas.runtime import Runtime
from wsrnas.studies.candidates import Candidate
from wsrnas.studies.networks import frozen
from wsrnas.types import Images, Labels, Noises

TOLERANCE = 1e-6


class Clock:
    """Seconds by name; waits for the device before reading the time."""

    def __init__(self, runtime: Runtime) -> None:
        self.seconds: dict[str, float] = {}
        self._device = runtime.device

    def now(self) -> float:
        """Return the time when everything asked of the device is done."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()

    def add(self, name: str, started: float) -> None:
        """Add the time since `started`."""
        self.seconds[name] = self.seconds.get(name, 0.0) + self.now() - started


class Sums:
    """Correct images and summed cross-entropy by name and strength."""

    def __init__(self) -> None:
        self.values: dict[str, list[list[float]]] = {}

    @torch.no_grad()
    def add(self, name: str, model: nn.Module, images: Images, noises: Noises, labels: Labels) -> None:
        """Measure x+δ for every noise (B,N,C,H,W)."""
        rows = []
        for noise in noises.unbind(1):
            logits = model(images + noise)
            correct = int((logits.argmax(dim=1) == labels).sum())
            rows.append([correct, float(functional.cross_entropy(logits, labels, reduction="sum"))])
        before = self.values.get(name)
        self.values[name] = rows if before is None else [[a + c, b + d] for (a, b), (c, d) in zip(before, rows)]


def violations(images: Images, noises: Noises, strengths: Tensor) -> int:
    """Count noises that leave their L∞ ball or the range [0,1]."""
    outside = noises.flatten(2).abs().amax(dim=2) > strengths + TOLERANCE
    attacked = (images[:, None] + noises).flatten(2)
    invalid = (attacked.amin(dim=2) < -TOLERANCE) | (attacked.amax(dim=2) > 1 + TOLERANCE)
    return int((outside | invalid).sum())


def measure_network(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    candidates: Sequence[Candidate],
    estimators: Mapping[str, NoiseEstimator],
    *,
    strengths: tuple[float, ...],
    attack_steps: int,
    runtime: Runtime,
) -> dict[str, Any]:
    """Return, as JSON: per candidate and strength accuracy and mean loss; clean, real; violations; seconds per image.

    At its known strengths a candidate is what the real attack is.
    """
    clock, sums, broken, count = Clock(runtime), Sums(), dict.fromkeys((c.name for c in candidates), 0), 0
    attack = PGD(eps=strengths[0], steps=attack_steps, random_start=False)
    for images, labels in batches:
        images, labels = runtime.images(images), labels.to(runtime.device)
        count += len(images)
        real = []
        for strength in strengths:
            started = clock.now()
            real.append(attack.at(strength)(model, images, labels) - images)
            clock.add(f"attack {strength:g}", started)
        noises = torch.stack(real, dim=1)
        sums.add("clean", model, images, torch.zeros_like(noises[:, :1]), labels)
        sums.add("real", model, images, noises, labels)
        for candidate in candidates:
            wanted = tuple(strength for strength in strengths if strength not in candidate.known)
            started = clock.now()
            noise_hat = _noises(candidate, estimators, model, images, labels, noises, strengths, wanted)
            clock.add(candidate.name, started)
            broken[candidate.name] += violations(images, noise_hat, torch.tensor(wanted).to(images))
            sums.add(candidate.name, model, images, noise_hat, labels)
    measured = {name: [[correct / count, loss / count] for correct, loss in rows] for name, rows in sums.values.items()}
    clean, whole, found = measured.pop("clean")[0], measured.pop("real"), {}
    for candidate in candidates:
        given = iter(measured[candidate.name])
        filled = [
            whole[place] if strength in candidate.known else next(given) for place, strength in enumerate(strengths)
        ]
        found[candidate.name] = {"measured": filled, "violations": broken[candidate.name]}
    seconds_per_image = {name: seconds / count for name, seconds in clock.seconds.items()}
    return {
        "clean": clean,
        "real": whole,
        "candidates": found,
        "seconds_per_image": seconds_per_image,
        "images": count,
    }


def _noises(
    candidate: Candidate,
    estimators: Mapping[str, NoiseEstimator],
    model: nn.Module,
    images: Images,
    labels: Labels,
    real: Noises,
    strengths: tuple[float, ...],
    wanted: tuple[float, ...],
) -> Tensor:
    if candidate.short_steps:
        short = PGD(eps=wanted[0], steps=candidate.short_steps, random_start=False)
        return torch.stack([short.at(s)(model, images, labels) - images for s in wanted], dim=1)
    columns = [strengths.index(strength) for strength in candidate.known]
    asked = torch.tensor(wanted)
    with torch.no_grad():
        noise_hat = estimators[candidate.name](images, real[:, columns], torch.tensor(candidate.known), asked)
    if candidate.refine:
        with frozen(model):
            noise_hat = refine(
                model, images, labels, noise_hat, asked, steps=candidate.refine, step_size=candidate.step_size
            )
    return noise_hat

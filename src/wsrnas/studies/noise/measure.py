"""What one test network says about every candidate: accuracy and loss under its noises, violations, time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.attacks.victim import untouched
from wsrnas.estimators.noise import NoiseEstimator, refine, refine_outwards
from wsrnas.runtime import Runtime
from wsrnas.studies.noise.candidates import PAPER_STRENGTHS, Candidate
from wsrnas.studies.noise.phi import noises_at
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
        """Measure x+δ for every noise (B,N,C,H,W), all in one pass: in evaluation mode each image is on its own."""
        count = noises.shape[1]
        repeated = labels.repeat_interleave(count)
        logits = model((images[:, None] + noises).flatten(0, 1))
        correct = (logits.argmax(dim=1) == repeated).unflatten(0, (-1, count)).sum(dim=0)
        losses = functional.cross_entropy(logits, repeated, reduction="none").unflatten(0, (-1, count)).sum(dim=0)
        rows = [[float(right), float(loss)] for right, loss in zip(correct, losses)]
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
    """Return, as JSON, clean and real accuracy and loss, seconds per image, and what every candidate did.

    That is: accuracy and loss per strength, the squared error of its noises in units of their strength, violations.
    At its known strengths a candidate is what the real attack is; at strengths where it is not judged it is null.
    """
    clock, sums, count = Clock(runtime), Sums(), 0
    broken, squares = dict.fromkeys((c.name for c in candidates), 0), dict.fromkeys((c.name for c in candidates), 0.0)
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
            wanted = _asked(candidate, strengths)
            started = clock.now()
            noise_hat = _noises(candidate, estimators, model, images, labels, noises, strengths, wanted)
            clock.add(candidate.name, started)
            broken[candidate.name] += violations(images, noise_hat, torch.tensor(wanted).to(images))
            squares[candidate.name] += _squared_error(noise_hat, noises, wanted, strengths) * len(images)
            sums.add(candidate.name, model, images, noise_hat, labels)
    measured = {name: [[correct / count, loss / count] for correct, loss in rows] for name, rows in sums.values.items()}
    clean, whole, found = measured.pop("clean")[0], measured.pop("real"), {}
    for candidate in candidates:
        given = dict(zip(_asked(candidate, strengths), measured[candidate.name]))
        filled = [
            whole[place] if strength in candidate.exact_at() else given.get(strength)
            for place, strength in enumerate(strengths)
        ]
        found[candidate.name] = {
            "measured": filled,
            "squared_error": squares[candidate.name] / count,
            "violations": broken[candidate.name],
        }
    seconds_per_image = {name: seconds / count for name, seconds in clock.seconds.items()}
    return {
        "clean": clean,
        "real": whole,
        "candidates": found,
        "seconds_per_image": seconds_per_image,
        "images": count,
    }


def _squared_error(noise_hat: Tensor, real: Noises, asked: tuple[float, ...], strengths: tuple[float, ...]) -> float:
    """Return the mean of ((δ̂ − δ)/ε̂)² over the paper's strengths among those asked for."""
    errors = [
        float(((noise_hat[:, place] - real[:, strengths.index(strength)]) / strength).square().mean())
        for place, strength in enumerate(asked)
        if strength in PAPER_STRENGTHS
    ]
    return sum(errors) / max(len(errors), 1)


def _asked(candidate: Candidate, strengths: tuple[float, ...]) -> tuple[float, ...]:
    """Return the strengths whose noises the candidate has to make, ascending."""
    return tuple(s for s in candidate.judged_at(strengths) if s not in candidate.exact_at())


def _noises(
    candidate: Candidate,
    estimators: Mapping[str, NoiseEstimator],
    model: nn.Module,
    images: Images,
    labels: Labels,
    real: Noises,
    strengths: tuple[float, ...],
    asked: tuple[float, ...],
) -> Tensor:
    if candidate.short_steps:
        return noises_at(model, images, labels, asked, candidate.short_steps)
    if candidate.known_steps is None:
        known = real[:, [strengths.index(strength) for strength in candidate.known]]
    else:
        known = noises_at(model, images, labels, candidate.known, candidate.known_steps)
    wanted = tuple(strength for strength in asked if strength not in candidate.known)
    estimator, steps, size = estimators[candidate.name], candidate.refine, candidate.step_size
    from_strengths, to_strengths = torch.tensor(candidate.known), torch.tensor(wanted)
    given = (model, images, labels, known, from_strengths, to_strengths)
    with untouched(model):
        if candidate.outwards:
            noise_hat = refine_outwards(estimator, *given, steps=steps, step_size=size)
        else:
            noise_hat = refine_outwards(estimator, *given, steps=0)
            noise_hat = refine(model, images, labels, noise_hat, to_strengths, steps=steps, step_size=size)
    columns = dict(zip(candidate.known, known.unbind(1))) | dict(zip(wanted, noise_hat.unbind(1)))
    return torch.stack([columns[strength] for strength in asked], dim=1)

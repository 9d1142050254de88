"""Train φ on the noises of the training networks (Eq. 4 and 5), for every learned candidate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.attacks.victim import untouched
from wsrnas.data import DataBundle
from wsrnas.estimators.memory import NoiseMemory
from wsrnas.estimators.noise import (
    NoiseEstimator,
    NoiseFit,
    RaisedLoss,
    fit_noise_estimator,
    noise_estimator,
    push_noise,
)
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.studies.noise.candidates import Candidate
from wsrnas.studies.noise.config import StudyConfig
from wsrnas.studies.parts import load, save
from wsrnas.types import Images, Labels, Noises


def estimator_of(candidate: Candidate, config: StudyConfig, data: DataBundle) -> NoiseEstimator:
    """Return the candidate's estimator, untrained."""
    sizes = config.sizes(candidate.estimator) if candidate.learned else {}
    return noise_estimator(
        candidate.estimator, image_shape=data.image_shape, seed=config.seed, **candidate.settings, **sizes
    )


def trained(run: RunFolder, candidate: Candidate) -> bool:
    """Return whether an earlier run of the same command has trained this candidate."""
    return load(run, _name(candidate)) is not None


def _name(candidate: Candidate) -> str:
    return "phi-" + "".join(c if c.isalnum() else "-" for c in candidate.name)


def random_strength(config: StudyConfig, draw: torch.Generator) -> float:
    """Return ε̂, uniform in (0, phi_highest]."""
    return config.phi_highest * (1.0 - float(torch.rand((), generator=draw)))


def noises_at(model: nn.Module, images: Images, labels: Labels, strengths: Sequence[float], steps: int) -> Noises:
    """Return the noises of PGD from the clean images at every strength (B,S,C,H,W)."""
    attack = PGD(eps=strengths[0], steps=steps, random_start=False)
    return torch.stack([attack.at(strength)(model, images, labels) - images for strength in strengths], dim=1)


def collect(
    models: Sequence[nn.Module],
    known: tuple[float, ...],
    config: StudyConfig,
    data: DataBundle,
    runtime: Runtime,
) -> list[NoiseMemory]:
    """Return M_a of every training network: noises at the known strengths and at one random strength per batch."""
    memories = []
    for index, model in enumerate(models):
        memory = NoiseMemory(config.phi_images * (len(known) + 1))
        order = rng.stream(config.seed, "study", "phi images", index)
        batches = data.train.batches(config.phi_batch, generator=order, drop_last=True)
        draw = rng.stream(config.seed, "study", "phi strength", index)
        for images, labels in batches:
            images, labels = runtime.images(images), labels.to(runtime.device)
            strengths = (*known, random_strength(config, draw))
            noises = noises_at(model, images, labels, strengths, config.attack_steps)
            push_noise(memory, images, noises, torch.tensor(strengths))
            if len(memory) == memory.capacity:
                break
        memories.append(memory)
    return memories


def train_phi(
    candidate: Candidate,
    models: Sequence[nn.Module],
    memories: Sequence[NoiseMemory],
    config: StudyConfig,
    data: DataBundle,
    runtime: Runtime,
    run: RunFolder,
) -> NoiseEstimator:
    """Return the candidate's φ, trained now or by an earlier run; the networks take turns, pass by pass."""
    estimator = runtime.prepare(estimator_of(candidate, config, data))
    saved = load(run, _name(candidate))
    if saved is not None:
        estimator.load_state_dict(saved["weights"])
        return estimator.eval()
    optimizer, schedule = NoiseFit(learning_rate=config.phi_rate).optimizer(estimator)
    with run.timed("training φ"):
        for index in range(config.phi_passes):
            for turn, (model, memory) in enumerate(zip(models, memories)):
                with untouched(model):
                    fit_noise_estimator(
                        estimator,
                        memory,
                        optimizer,
                        schedule=schedule,
                        passes=1,
                        batch_size=config.phi_batch,
                        generator=rng.stream(config.seed, "study", "phi order", index, turn),
                        loss=RaisedLoss(model) if candidate.raised_loss else "mse",
                    )
    save(run, _name(candidate), {"weights": estimator.state_dict()})
    return estimator.eval()

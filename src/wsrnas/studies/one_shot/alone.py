"""The same genotypes trained alone: what one-shot ranks are judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.data import DataBundle, load_data
from wsrnas.models.load import load_run
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.finalists.rivals import training_settings
from wsrnas.spaces.genotype import Genotype
from wsrnas.studies.one_shot.config import OneShotStudyConfig
from wsrnas.training.config import TrainConfig
from wsrnas.training.train import train

SCORING_BATCH = 256


def training_config(config: OneShotStudyConfig, seed: int) -> TrainConfig:
    """Return how networks are trained alone: as `train_rivals` does, with the study's batch and rate."""
    settings = training_settings(config.search)
    return replace(
        settings,
        recipe="study one-shot",
        seed=seed,
        batch_size=config.batch_size,
        optimizer=replace(settings.optimizer, lr=config.learning_rate),
    )


def score(model: nn.Module, data: DataBundle, config: OneShotStudyConfig, runtime: Runtime) -> dict[str, Any]:
    """Return mean losses and accuracies on the test set, clean and under PGD at every strength, in evaluation mode.

    Accuracies are nested: an image counts at ε only if it stayed right at every smaller strength.
    """
    strengths = config.search.spectrum.all_strengths()
    attack = PGD(eps=strengths[0], steps=config.search.rivals.attack_steps, keep="best")
    losses, correct, seen = torch.zeros(1 + len(strengths)), torch.zeros(1 + len(strengths)), 0
    model = runtime.prepare(model).eval()
    for index, (images, labels) in enumerate(data.test.batches(SCORING_BATCH)):
        images, labels = runtime.images(images), labels.to(runtime.device)
        alive = torch.ones_like(labels, dtype=torch.bool)
        for place, strength in enumerate((0.0, *strengths)):
            shifted = images
            if strength:
                generator = rng.stream(config.search.seed, "one-shot study", "score", index, place)
                shifted = attack.at(strength).perturb(model, images, labels, generator)
            loss, right = _judged(model, shifted, labels)
            alive &= right
            losses[place] += loss.cpu()
            correct[place] += alive.sum().cpu()
        seen += len(labels)
    return {"losses": (losses / seen).tolist(), "accuracy": (correct / seen).tolist(), "images": seen}


@torch.no_grad()
def _judged(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    logits = model(images).float()
    return functional.cross_entropy(logits, labels, reduction="sum"), logits.argmax(dim=1) == labels


def alone_scores(
    config: OneShotStudyConfig,
    genotypes: list[Genotype],
    runtime: Runtime,
    folder: RunFolder,
    advance: Callable[..., None],
) -> list[list[dict[str, Any]]]:
    """Train every genotype from scratch, the first `repeated` with two seeds; return scores by genotype and seed."""
    scores: list[list[dict[str, Any]]] = [[] for _ in genotypes]
    seed = config.search.seed
    data = load_data(training_config(config, seed).data, seed)
    for repeat, count in enumerate((config.genotypes, config.repeated)):
        for index in range(count):
            name = f"alone/{index}-{repeat}"
            found = folder.read_json(f"{name}.json")
            if found is None:
                path = folder.path / name
                settings = training_config(config, rng.derive_seed(seed, "one-shot study", "alone", repeat) % 2**31)
                with folder.timed("training alone"):
                    train(settings, genotypes[index], path, data=data, runtime=runtime)
                with folder.timed("scoring"):
                    found = score(load_run(path), data, config, runtime)
                folder.write_json(f"{name}.json", found)
            scores[index].append(found)
            advance(1, f"genotype {index + 1} trained alone")
    return scores

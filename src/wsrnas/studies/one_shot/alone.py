"""The same genotypes trained alone: what one-shot ranks are judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.data import DataBundle, load_data
from wsrnas.files import read_object, write_json
from wsrnas.models.load import load_run
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.runtime.parallel import each
from wsrnas.search.evaluators.scoring import score as short_score
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
    seed, strengths = config.search.seed, config.search.spectrum.all_strengths()
    found = short_score(
        runtime.prepare(model),
        data.test,
        strengths,
        PGD(eps=strengths[0], steps=config.search.rivals.attack_steps, keep="best"),
        batch_size=SCORING_BATCH,
        runtime=runtime,
        generator_for=lambda batch, place: rng.stream(seed, "one-shot study", "score", batch, place),
    )
    images = len(found.right)
    return {"losses": found.losses.tolist(), "accuracy": (found.right.sum(dim=0) / images).tolist(), "images": images}


@dataclass(frozen=True, kw_only=True)
class _Training:
    config: OneShotStudyConfig
    genotype: Genotype
    repeat: int
    path: Path

    @property
    def scores(self) -> Path:
        """Return the file that the scores are written to: there once the training is over."""
        return self.path.with_name(f"{self.path.name}.json")


def alone_scores(
    config: OneShotStudyConfig, genotypes: list[Genotype], folder: RunFolder, advance: Callable[..., None]
) -> list[list[dict[str, Any]]]:
    """Train every genotype from scratch, the first `repeated` with two seeds; return scores by genotype and seed.

    The trainings are spread over `runtime.workers` processes.
    """
    trainings = {
        f"genotype {index + 1}, seed {repeat + 1}": _Training(
            config=config, genotype=genotypes[index], repeat=repeat, path=folder.path / "alone" / f"{index}-{repeat}"
        )
        for repeat, count in enumerate((config.genotypes, config.repeated))
        for index in range(count)
    }
    left = {name: training for name, training in trainings.items() if not training.scores.is_file()}
    advance(len(trainings) - len(left), "trained alone before")
    with folder.timed("training alone"):
        each(
            _trained_and_scored,
            left,
            config=config.search.runtime,
            common=partial(load_data, training_config(config, config.search.seed).data, config.search.seed),
            on_done=lambda name: advance(1, f"{name} trained alone"),
        )
    return [
        [read_object(training.scores) for training in trainings.values() if training.genotype is genotype]
        for genotype in genotypes
    ]


def _trained_and_scored(data: DataBundle, training: _Training) -> None:
    config, runtime = training.config, Runtime(training.config.search.runtime)
    seed = rng.derive_seed(config.search.seed, "one-shot study", "alone", training.repeat) % 2**31
    train(training_config(config, seed), training.genotype, training.path, data=data, runtime=runtime)
    write_json(training.scores, score(load_run(training.path), data, config, runtime))

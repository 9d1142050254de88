"""The winner against random architectures of the same size, each trained alone with the same budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from wsrnas import rng
from wsrnas.attacks.pgd import PGD
from wsrnas.data import DataBundle, load_data
from wsrnas.evaluation.evaluate import evaluate
from wsrnas.evaluation.statistics import over_seeds
from wsrnas.models.load import load_run
from wsrnas.models.network import GenotypeNetwork
from wsrnas.parts import PartConfig
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import RIVALS
from wsrnas.search.setup import count_parameters, network_config, size_config
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.config import OptimizerConfig, SelectionConfig, TrainConfig
from wsrnas.training.train import train

SIZE_TOLERANCE = 0.15
TRIES = 2000


def train_rivals(config: SearchConfig, data: DataBundle, winner: Genotype, folder: RunFolder) -> dict[str, Any]:
    """Train winner and rivals from scratch in `compare/`, score them on the test set, and describe both.

    Every network has the same width and depth, training set, epochs, attack and seed; a rival's parameter count is
    within 15 % of the winner's where such an architecture is found. Scores are clean accuracy and PGD accuracy in
    evaluation mode. This is the first and only time a search reads the test set.
    """
    sizes = network_config(config, data)
    space = get_space(config.space.name)
    rivals = random_rivals(space, winner, sizes, config.rivals.count, config.seed)
    genotypes = {"winner": winner, **{f"random-{place}": rival for place, rival in enumerate(rivals, start=1)}}
    settings = training_settings(config)
    strengths = [0.0, *config.spectrum.all_strengths()]
    test = load_data(settings.data, config.seed).test
    count = len(test) if config.rivals.images is None else min(config.rivals.images, len(test))
    images, labels = test.fetch(torch.arange(count))
    scored: dict[str, dict[str, Any]] = {}
    with progress("rivals", len(genotypes)) as bar:
        for name, genotype in genotypes.items():
            path = Path(folder.path) / "compare" / name
            with folder.timed(RIVALS):
                train(settings, GenotypeNetwork(genotype=genotype, config=sizes), path)
            with folder.timed("scoring on test images"):
                result = evaluate(
                    load_run(path),
                    images,
                    labels,
                    strengths=strengths,
                    attacks=[PGD(eps=strengths[-1], steps=config.rivals.attack_steps, keep="best")],
                    seed=config.seed,
                )
            scored[name] = {
                "id": genotype.id,
                "parameters": count_parameters(space.build(genotype, sizes)),
                "accuracy": list(result.accuracy),
                "low": list(result.ci_low),
                "high": list(result.ci_high),
            }
            bar.advance(note=name)
    won = scored.pop("winner")
    spreads = [over_seeds(column) for column in zip(*(rival["accuracy"] for rival in scored.values()))]
    return {
        "strengths": strengths,
        "winner": won,
        "random": list(scored.values()),
        "images": count,
        "epochs": config.rivals.epochs,
        "chance": 1 / data.num_classes,
        "attack": f"PGD-{config.rivals.attack_steps}",
        "random_mean_sd": [[spread.mean, spread.sd] for spread in spreads],
    }


def random_rivals(space: SearchSpace, winner: Genotype, sizes: NetworkConfig, count: int, seed: int) -> list[Genotype]:
    """Draw distinct random genotypes whose parameter count is within 15 % of the winner's, else the nearest found."""

    def parameters(genotype: Genotype) -> int:
        with torch.device("meta"):
            return count_parameters(space.build(genotype, sizes))

    target = parameters(winner)
    seen = {space.canonical(winner)}
    near: list[Genotype] = []
    others: list[tuple[float, int, Genotype]] = []
    for index in range(TRIES):
        genotype = space.sample(rng.stream(seed, "rival", index))
        key = space.canonical(genotype)
        if key in seen:
            continue
        seen.add(key)
        distance = abs(parameters(genotype) / target - 1)
        if distance <= SIZE_TOLERANCE:
            near.append(genotype)
        else:
            others.append((distance, index, genotype))
        if len(near) == count:
            return near
    return near + [genotype for _, _, genotype in sorted(others)[: count - len(near)]]


def training_settings(config: SearchConfig, epochs: int | None = None) -> TrainConfig:
    """Return the training that the search's own settings imply: PGD at its strength, its size, its batch.

    `epochs` is `rivals.epochs` where None. Where labels are short trainings alone, it is one of those, but longer.
    """
    training, labels, strength = config.training, config.labels, config.trained_at()
    epochs = config.rivals.epochs if epochs is None else epochs
    optimizer, schedule = OptimizerConfig(lr=training.learning_rate), PartConfig(name="cosine")
    if config.evaluator == "trained":
        optimizer = OptimizerConfig(lr=labels.learning_rate, nesterov=labels.nesterov)
        schedule = PartConfig(name="cosine", settings={"warmup": labels.warmup * epochs})
    return TrainConfig(
        recipe=f"{config.recipe} (rival)",
        seed=config.seed,
        data=replace(config.data, valid_fraction=0.0, valid_limit=None),
        network=size_config(config),
        loss=PartConfig(
            name="pgd",
            settings={"eps": strength, "steps": training.steps, "step_size": training.step_size(strength)},
        ),
        optimizer=replace(optimizer, momentum=training.momentum, clip=training.clip),
        schedule=schedule,
        epochs=epochs,
        batch_size=training.batch_size,
        selection=SelectionConfig(by="last"),
        runtime=config.runtime,
    )

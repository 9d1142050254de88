"""The winner against random architectures of the same size, each trained alone with the same budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
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
from wsrnas.runtime.parallel import each
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import RIVALS
from wsrnas.search.evaluators.scoring import blind
from wsrnas.search.finalists.gain import gain_of
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

    Every network has the same width and depth, training set, epochs, attack and seed, and they are spread over
    `runtime.workers` processes; a rival's parameter count is within 15 % of the winner's where such an architecture is
    found. Scores are clean accuracy and PGD accuracy in evaluation mode. This is the first and only time a search
    reads the test set.
    """
    sizes = network_config(config, data)
    space = get_space(config.space.name)
    rivals = random_rivals(space, winner, sizes, config.rivals.count, config.seed)
    genotypes = {"winner": winner, **{f"random-{place}": rival for place, rival in enumerate(rivals, start=1)}}
    items = {
        name: Alone(config=config, genotype=genotype, path=folder.path / "compare" / name)
        for name, genotype in genotypes.items()
    }
    with progress("rivals", len(items)) as bar, folder.timed(RIVALS):
        scored = each(
            _trained_and_scored,
            items,
            config=config.runtime,
            common=partial(load_data, training_settings(config).data, config.seed),
            on_done=lambda name: bar.advance(note=name),
        )
    right = {name: rival.pop("right") for name, rival in scored.items()}
    own, won = right.pop("winner"), scored.pop("winner")
    spreads = [over_seeds(column) for column in zip(*(rival["accuracy"] for rival in scored.values()))]
    return {
        "strengths": _strengths(config),
        "winner": won,
        "random": list(scored.values()),
        "images": len(own),
        "gain": gain_of(own, list(right.values())).as_json(),
        "epochs": config.rivals.epochs,
        "chance": 1 / data.num_classes,
        "attack": f"PGD-{config.rivals.attack_steps}",
        "random_mean_sd": [[spread.mean, spread.sd] for spread in spreads],
    }


@dataclass(frozen=True, kw_only=True)
class Alone:
    """A network to train alone, and its run folder."""

    config: SearchConfig
    genotype: Genotype
    path: Path


def _trained_and_scored(data: DataBundle, rival: Alone) -> dict[str, Any]:
    """Return what comparison.json says of one network, and at which share of the strengths it is right on an image."""
    config, strengths = rival.config, _strengths(rival.config)
    sizes = network_config(config, data)
    settings = training_settings(config)
    network = GenotypeNetwork(genotype=rival.genotype, config=sizes)
    train(settings, network, rival.path, data=data)
    count = len(data.test) if config.rivals.images is None else min(config.rivals.images, len(data.test))
    images, labels = data.test.fetch(torch.arange(count))
    result = evaluate(
        load_run(rival.path),
        images,
        labels,
        strengths=strengths,
        attacks=[PGD(eps=strengths[-1], steps=config.rivals.attack_steps, keep="best")],
        seed=config.seed,
    )
    return {
        "id": rival.genotype.id,
        "parameters": count_parameters(get_space(config.space.name).build(rival.genotype, sizes)),
        "accuracy": list(result.accuracy),
        "low": list(result.ci_low),
        "high": list(result.ci_high),
        "right": result.survives[:, 1:].double().mean(1),
    }


def _strengths(config: SearchConfig) -> list[float]:
    return [0.0, *config.spectrum.all_strengths()]


def random_rivals(space: SearchSpace, winner: Genotype, sizes: NetworkConfig, count: int, seed: int) -> list[Genotype]:
    """Draw distinct random genotypes whose parameter count is within 15 % of the winner's, else the nearest found.

    Those whose network sees nothing of the image are passed over: there is nothing to train or to attack.
    """

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
            near += [] if blind(space, genotype, sizes) else [genotype]
        else:
            others.append((distance, index, genotype))
        if len(near) == count:
            return near
    farther = (genotype for _, _, genotype in sorted(others) if not blind(space, genotype, sizes))
    return [*near, *islice(farther, count - len(near))]


def training_settings(config: SearchConfig, epochs: int | None = None) -> TrainConfig:
    """Return the training that the search's own settings imply: PGD at its strength, its size, its batch.

    `epochs` is `rivals.epochs` where None. Where labels are short trainings alone, it is one of those, but longer.
    """
    training, labels, strength = config.training, config.labels, config.trained_at()
    epochs = config.rivals.epochs if epochs is None else epochs
    optimizer, schedule = OptimizerConfig(lr=training.learning_rate), PartConfig(name="cosine")
    if config.evaluator == "trained":
        optimizer = OptimizerConfig(
            lr=labels.learning_rate, nesterov=labels.nesterov, weight_decay=training.weight_decay
        )
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

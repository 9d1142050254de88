"""The trainings of a study of labels: shared weights first, then all of one genotype after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wsrnas import rng
from wsrnas.attacks.pgd import PGD
from wsrnas.data import DataBundle, load_data
from wsrnas.files import read_object, write_json
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.runtime.parallel import each
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.evaluators.scoring import Scores, score, score_draws, scoring_passes
from wsrnas.search.evaluators.short_training import label_attack, short_training, trained_alone
from wsrnas.search.setup import network_config
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.studies import parts
from wsrnas.studies.labels.config import LabelsStudyConfig

Rows = list[dict[str, Any]]
SUPERNET = "shared-weights"
RESULTS = "genotypes"
SAVE_EVERY = 8
DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """All that is trained of one genotype, as one piece of work."""

    config: LabelsStudyConfig
    genotype: Genotype
    place: int
    folder: Path

    @property
    def path(self) -> Path:
        """Return the file of the results: there once all trainings are done."""
        return self.folder / RESULTS / f"{self.place}.json"


def finished(folder: Path) -> int:
    """Return how many genotypes are done."""
    return len(list((folder / RESULTS).glob("*.json")))


def train_shared(config: LabelsStudyConfig, genotypes: list[Genotype], data: DataBundle, folder: RunFolder) -> float:
    """Train the super-network on the genotypes in random order, again and again, `updates` times; return its cost."""
    evaluator = OneShot(config.search, data, Runtime(config.search.runtime))
    kept = parts.load(folder, SUPERNET)
    if kept is not None:
        evaluator.load_state_dict(kept)
    while evaluator.trained < config.updates:
        turn, place = divmod(evaluator.trained, len(genotypes))
        order = torch.randperm(len(genotypes), generator=rng.stream(config.search.seed, "labels study", turn))
        with folder.timed("shared weights"):
            evaluator.warm_up(evaluator.space.architecture(genotypes[int(order[place])]))
        if evaluator.trained % SAVE_EVERY == 0 or evaluator.trained == config.updates:
            parts.save(folder, SUPERNET, evaluator.state_dict())
    return evaluator.cost


def train_genotypes(
    config: LabelsStudyConfig,
    genotypes: list[Genotype],
    folder: RunFolder,
    done: Callable[[list[dict[str, Any]]], None],
) -> None:
    """Train and judge every genotype, over `runtime.workers` processes.

    `done` is told what all finished ones came to, in their order, whenever there is one more.
    """
    items = {
        f"genotype {place + 1}": Trainings(config=config, genotype=genotype, place=place, folder=folder.path)
        for place, genotype in enumerate(genotypes)
    }
    left = {name: item for name, item in items.items() if not item.path.is_file()}

    def tell(name: str = "") -> None:
        done([read_object(item.path) for item in items.values() if item.path.is_file()])

    tell()
    with folder.timed("training alone"):
        each(_trained, left, config=config.search.runtime, common=partial(_common, config, folder.path), on_done=tell)


@dataclass(frozen=True, kw_only=True)
class _Common:
    data: DataBundle
    shared: OneShot


def _common(config: LabelsStudyConfig, path: Path) -> _Common:
    data = load_data(config.search.data, config.search.seed)
    shared = OneShot(config.search, data, Runtime(config.search.runtime))
    kept = parts.load_from(path, SUPERNET)
    assert kept is not None, "trained first"
    shared.load_state_dict(kept)
    return _Common(data=data, shared=shared)


def _trained(common: _Common, item: Trainings) -> None:
    config, genotype, space = item.config, item.genotype, common.shared.space
    runtime, seed = Runtime(config.search.runtime), config.search.seed

    def network(epochs: int, *purpose: str | int, shared: nn.Module | None = None) -> nn.Module:
        own = rng.derive_seed(seed, "labels study", space.canonical(genotype), *purpose) % 2**31
        settings = config.with_epochs(epochs)
        return trained_alone(space, genotype, settings, common.data, runtime, own, "weights", shared=shared)

    def label(one: nn.Module) -> dict[str, list[float]]:
        return _written(_scored(one, common.data, config, runtime))

    labels = {"shared": label(common.shared.network(genotype))}
    for epochs in config.epochs:
        labels[f"alone-{epochs}"] = label(network(epochs, "alone", epochs))
    for epochs in config.warm_epochs:
        start = common.shared.network(genotype)
        labels[f"from-shared-{epochs}"] = label(network(epochs, "from shared", epochs, shared=start))
    final = [
        _written(_scored(network(config.search.labels.epochs, "final", index), common.data, config, runtime, test=True))
        for index in range(config.seeds)
    ]
    sizes = network_config(config.search, common.data)
    cost = get_space(space.name).cost(genotype, sizes)
    item.path.parent.mkdir(exist_ok=True)
    write_json(
        item.path,
        {
            "genotype": genotype.to_json(),
            "parameters": cost.parameters,
            "multiply_adds": cost.multiply_adds,
            "labels": labels,
            "final": [one["accuracy"] for one in final],
        },
    )


def _scored(
    network: nn.Module, data: DataBundle, config: LabelsStudyConfig, runtime: Runtime, *, test: bool = False
) -> Scores:
    """Attack a network on D_v as labels are attacked, or on the test set by a longer attack."""
    search, strengths = config.search, config.search.spectrum.all_strengths()
    return score(
        network,
        data.test if test else data.valid,
        strengths,
        PGD(eps=strengths[-1], steps=search.rivals.attack_steps, keep="best") if test else label_attack(search),
        images=search.rivals.images if test else search.measure.images,
        batch_size=256 if test else search.measure.batch_size,
        runtime=runtime,
        generator_for=score_draws(search.seed, runtime),
    )


def _written(found: Scores) -> dict[str, list[float]]:
    return {
        "losses": [round(one, DIGITS) for one in found.losses.tolist()],
        "accuracy": [round(one, DIGITS) for one in found.right.double().mean(dim=0).tolist()],
    }


def costs(config: LabelsStudyConfig, data: DataBundle, shared: float) -> dict[str, float]:
    """Return what a genotype's labels cost in images passed through a network.

    By name, the training of each label; `clean` and `strength`, what measuring any of them on D_v costs for the clean
    images and for each strength; `final`, the training of a final network. `shared`, what the super-network has cost,
    is spread over all genotypes.
    """
    search = config.search
    images = min(len(data.valid), search.measure.images or len(data.valid))

    def training(epochs: int) -> float:
        return float(short_training(config.with_epochs(epochs)).passes(len(data.train)))

    clean, one = (float(scoring_passes(images, count, label_attack(search))) for count in (0, 1))
    found = {"clean": clean, "strength": one - clean, "shared": shared / config.genotypes}
    found |= {f"alone-{epochs}": training(epochs) for epochs in config.epochs}
    found |= {f"from-shared-{epochs}": found["shared"] + training(epochs) for epochs in config.warm_epochs}
    return found | {"final": training(search.labels.epochs)}

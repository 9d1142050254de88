"""What the runs of a table cost, before any of them starts: network passes, counted, and hours, estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wsrnas import zoo
from wsrnas.data import DataBundle, DataConfig
from wsrnas.evaluation.suites import suite_attacks
from wsrnas.evaluation.text import to_blocks
from wsrnas.report.words import duration
from wsrnas.reproduce.clock import Clock
from wsrnas.reproduce.runs import EvaluateRun, Run, SearchRun, TrainRun
from wsrnas.reproduce.study_runs import CorrectedRun, StudyRun
from wsrnas.rng import stream
from wsrnas.runtime import Runtime
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.finalists.alone import training_passes
from wsrnas.search.plan import planned
from wsrnas.spaces import DartsSpace
from wsrnas.spaces.base import NetworkConfig
from wsrnas.studies.noise.candidates import candidates
from wsrnas.studies.noise.config import StudyConfig
from wsrnas.studies.noise.turns import DESIGNS, NETWORKS

LONG = 24
"""Hours from which minutes are no longer told."""
RELEASED_PASSES = 41
"""PGD-20 and the prediction."""
STAND_IN = "wsrnet-basic"
"""What a network that a search has still to find is taken to be like."""
Loaded = dict[tuple[DataConfig, int], DataBundle]


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """What one run costs: images it trains or searches on, network passes of one image each, and seconds on this
    machine."""

    run: Run
    images: int
    passes: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The runs of a table in their order, with their cost."""

    table: str
    scale: str
    costs: tuple[RunCost, ...]

    @property
    def passes(self) -> int:
        """Return the network passes of all runs."""
        return sum(one.passes for one in self.costs)

    @property
    def seconds(self) -> float:
        """Return how long all of them take here, roughly."""
        return sum(one.seconds for one in self.costs)

    def to_dict(self) -> dict[str, Any]:
        """Return the list of runs as plain JSON values."""
        runs = [
            {
                "kind": one.run.kind,
                "name": one.run.name,
                "images": one.images,
                "passes": one.passes,
                "seconds": one.seconds,
            }
            for one in self.costs
        ]
        total = {"passes": self.passes, "seconds": self.seconds}
        return {"name": self.table, "scale": self.scale, "runs": runs, **total}

    def __str__(self) -> str:
        """Return the list of runs."""
        rows = [
            [one.run.kind, one.run.name, f"{one.images:,}", f"{one.passes:,}", estimated(one.seconds)]
            for one in self.costs
        ]
        rows.append(["", "all", "", f"{self.passes:,}", estimated(self.seconds)])
        title = f"{self.table} at scale {self.scale}: {len(self.costs)} runs"
        return "\n".join(
            [
                title,
                "",
                to_blocks(["run", "name", "images", "image passes", "time"], rows, keep=2),
                "passes counted (forward and backward one each; attacks of an evaluation at most); time estimated from",
                "a network of each family timed for a few seconds here, by multiply-adds: within a factor of two or so",
            ]
        )


def estimated(seconds: float) -> str:
    """Write a duration that is an estimate: hours alone where there are many."""
    hours = seconds / 3600
    return duration(seconds) if hours < LONG else f"{hours:,.0f} h"


def plan(table: str, scale: str, runs: Sequence[Run], loaded: Loaded, runtime: Runtime) -> Plan:
    """Return what the runs cost; `loaded` has the data of each."""
    clock = Clock(runtime)
    costs = []
    for run in runs:
        data = loaded[run.data]
        if isinstance(run, SearchRun):
            costs.append(_search(run, data, clock))
        elif isinstance(run, TrainRun):
            costs.append(_train(run, data, clock))
        elif isinstance(run, EvaluateRun):
            costs.append(_evaluate(run, data, clock))
        elif isinstance(run, StudyRun):
            costs.append(_study(run, data, clock))
    return Plan(table=table, scale=scale, costs=tuple(costs))


def _train(run: TrainRun, data: DataBundle, clock: Clock) -> RunCost:
    passes = training_passes(run.config, data)
    images = run.config.epochs * len(data.train)
    return RunCost(run=run, images=images, passes=passes, seconds=passes * _pass(run, data, clock))


def _evaluate(run: EvaluateRun, data: DataBundle, clock: Clock) -> RunCost:
    attacks = sum(attack.passes for attack in suite_attacks(run.suite, "Linf").values())
    images, strengths = len(data.test), len(run.strengths)
    passes = images * (strengths * (attacks + RELEASED_PASSES) + (3 if run.fgsm else 0))
    return RunCost(run=run, images=images, passes=passes, seconds=passes * _pass(run.trained, data, clock))


def _pass(run: TrainRun, data: DataBundle, clock: Clock) -> float:
    card = zoo.card(run.model or STAND_IN)
    settings = zoo.network_settings(card.name, num_classes=data.num_classes, image_shape=data.image_shape, **_size(run))
    return clock.seconds(card.family, (card.name, settings.size), settings.build, data.image_shape)


def _size(run: TrainRun) -> dict[str, Any]:
    """Return width and depth where they are not the card's; found cells have the recipe's."""
    if run.model is not None:
        return dict(run.size)
    network = run.config.network
    return {"channels": network.channels, "layers": network.layers, **run.size}


def _search(run: SearchRun, data: DataBundle, clock: Clock) -> RunCost:
    config = run.config
    evaluator = OneShot(config, data, clock.runtime)
    passes = sum(planned(config, data, evaluator).values())
    images = config.training.images or len(data.train)
    each = _super_network(evaluator, config.seed, data, clock)
    architectures = config.budget.population + config.budget.queries
    return RunCost(run=run, images=architectures * images, passes=passes, seconds=passes * each)


def _super_network(evaluator: OneShot, seed: int, data: DataBundle, clock: Clock) -> float:
    space = evaluator.config.space
    choice = evaluator.space.choice(evaluator.space.sample(stream(seed, "plan", 0)))
    key = (space.name, space.channels, space.layers)
    return clock.seconds("super-network", key, lambda: evaluator.supernet.at(choice), data.image_shape)


def _study(run: StudyRun, data: DataBundle, clock: Clock) -> RunCost:
    config, images = run.config, len(data.train)
    training = images * config.epochs * (2 * config.train_steps + 2)
    attack = 2 * config.attack_steps
    if isinstance(run, CorrectedRun):
        networks = config.train_networks + config.test_networks
        compared = candidates(learned=config.learned)
        groups = len({one.known for one in compared if one.learned})
        noises = config.train_networks * config.phi_images * sum(
            len(known) + 1 for known in {one.known for one in compared if one.learned}
        ) if groups else 0  # fmt: skip
        scored = sum(one.passes(config.strengths, config.attack_steps) + len(config.strengths) for one in compared)
        measured = config.test_networks * len(data.test) * (len(config.strengths) * (attack + 1) + scored)
    else:
        networks, noises = NETWORKS, 4 * images
        measured = NETWORKS * len(data.test) * (4 * attack + 1 + 3 * (1 + len(DESIGNS)))
    passes = networks * training + noises * attack + measured
    each = _study_network(config, data, clock)
    return RunCost(run=run, images=networks * config.epochs * images, passes=passes, seconds=passes * each)


def _study_network(config: StudyConfig, data: DataBundle, clock: Clock) -> float:
    space = DartsSpace(nodes=config.nodes)
    genotype = space.sample(stream(config.seed, "study", "genotype", 0))
    size = NetworkConfig(
        channels=config.channels, layers=config.layers, num_classes=data.num_classes, image_shape=data.image_shape
    )
    key = ("study", config.nodes, config.channels, config.layers)
    return clock.seconds("study", key, lambda: space.build(genotype, size), data.image_shape)

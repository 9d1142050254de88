"""Two super-networks, trained on genotype-shaped and on all-edges samples, and what they say of the same genotypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from wsrnas import rng
from wsrnas.data import DataBundle
from wsrnas.estimators.memory import LossMemory
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.wsr.choose import ProposingChooser
from wsrnas.search.wsr.known import distinct_samples
from wsrnas.search.wsr.propose import ProposeSettings
from wsrnas.spaces.base import Architecture, SearchSpace, gumbel_softmax, sample_gumbel
from wsrnas.spaces.genotype import Genotype
from wsrnas.studies.one_shot.config import OneShotStudyConfig
from wsrnas.studies.parts import load, save

SAMPLINGS = ("genotype", "all-edges")
SAVE_EVERY = 10


def study_genotypes(config: OneShotStudyConfig, space: SearchSpace) -> list[Genotype]:
    """Return the distinct random genotypes of a study."""
    seed = config.search.seed
    return distinct_samples(
        space, config.genotypes, lambda index: rng.stream(seed, "one-shot study", "genotype", index)
    )


def around(space: SearchSpace, genotype: Genotype, generator: torch.Generator) -> Architecture:
    """Return an all-edges architecture that contains a genotype: its operations, and random ones on all other edges.

    It is what the paper measures in the genotype's stead: the heaviest operation of every edge of an H from which the
    genotype would be derived.
    """
    drawn = torch.randint(space.num_operations, (space.num_edges,), generator=generator).tolist()
    choice = tuple(own if own >= 0 else other for own, other in zip(space.choice(genotype), drawn))
    return Architecture(choice, space.encode(genotype))


class SampledSuperNet:
    """A super-network in training under one sampling, and the labels it gave; can stop and go on after any update."""

    def __init__(
        self, sampling: str, config: OneShotStudyConfig, genotypes: list[Genotype], data: DataBundle, runtime: Runtime
    ) -> None:
        self.sampling, self.config, self.genotypes = sampling, config, genotypes
        self.evaluator = OneShot(config.search, data, runtime)
        self.space = self.evaluator.space
        self.chooser = ProposingChooser(
            self.space, config.search.spectrum.objective(), config.search.seed, settings=ProposeSettings()
        )
        self.moments = {update: index for index, update in enumerate(config.label_updates())}
        self.kept, self.refreshed = LossMemory(config.genotypes), LossMemory(config.genotypes)
        self.update = 0
        self.checkpoints: dict[int, list[list[float]]] = {}
        self.at_end: list[list[float]] = []

    def step(self) -> None:
        """Train on the next sample; a genotype whose turn it is gets its label, and old labels are refreshed."""
        index = self.moments.get(self.update)
        if index is None:
            self.evaluator.warm_up(self._sample())
        else:
            architecture = self._studied(index)
            losses = self.evaluator.measure(architecture)
            for memory in (self.kept, self.refreshed):
                memory.push(architecture.encoding, losses, architecture.choice, self.update)
            for label in self.chooser.stale(self.refreshed, self.config.refresh):
                again = self.evaluator.remeasure(Architecture(label.choice, label.encoding))
                self.refreshed.replace(label, again, self.update)
        self.update += 1
        if self.update in self.config.checkpoints:
            alone = [self.space.architecture(genotype) for genotype in self.genotypes]
            self.checkpoints[self.update] = self._measured(alone)
        if self.update == self.config.updates and self.sampling == "all-edges":
            self.at_end = self._measured([self._studied(index) for index in range(len(self.genotypes))])

    def labels(self) -> dict[str, Any]:
        """Return all labels, (genotypes, 1+S) each, as JSON."""
        return {
            "as searched": [label.losses.tolist() for label in self.kept.labels],
            "refreshed": [label.losses.tolist() for label in self.refreshed.labels],
            "all edges at the end": self.at_end,
            "checkpoints": {str(update): losses for update, losses in self.checkpoints.items()},
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later step depends on."""
        return {
            "evaluator": self.evaluator.state_dict(),
            "kept": self.kept.state_dict(),
            "refreshed": self.refreshed.state_dict(),
            "update": self.update,
            "checkpoints": self.checkpoints,
            "at_end": self.at_end,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.evaluator.load_state_dict(state["evaluator"])
        self.kept.load_state_dict(state["kept"])
        self.refreshed.load_state_dict(state["refreshed"])
        self.update, self.checkpoints, self.at_end = state["update"], state["checkpoints"], state["at_end"]

    def _sample(self) -> Architecture:
        generator = rng.stream(self.config.search.seed, "one-shot study", self.sampling, self.update)
        if self.sampling == "genotype":
            return self.space.architecture(self.space.sample(generator))
        shape = (self.space.num_edges, self.space.num_operations)
        drawn = sample_gumbel(shape, generator)
        return self.space.all_edges(gumbel_softmax(torch.zeros(shape), drawn, self.config.temperature))

    def _studied(self, index: int) -> Architecture:
        genotype = self.genotypes[index]
        if self.sampling == "genotype":
            return self.space.architecture(genotype)
        return around(self.space, genotype, rng.stream(self.config.search.seed, "one-shot study", "around", index))

    def _measured(self, architectures: list[Architecture]) -> list[list[float]]:
        return [self.evaluator.remeasure(architecture).tolist() for architecture in architectures]


def one_shot_labels(
    sampling: str,
    config: OneShotStudyConfig,
    genotypes: list[Genotype],
    data: DataBundle,
    runtime: Runtime,
    folder: RunFolder,
    advance: Callable[..., None],
) -> dict[str, Any]:
    """Train one super-network, or go on with it, and return its labels; `advance` counts its updates."""
    name = f"labels-{sampling}.json"
    finished: dict[str, Any] | None = folder.read_json(name)
    if finished is not None:
        advance(config.updates)
        return finished
    trained = SampledSuperNet(sampling, config, genotypes, data, runtime)
    saved = load(folder, f"supernet-{sampling}")
    if saved is not None:
        trained.load_state_dict(saved)
        advance(trained.update)
    with folder.timed(f"super-network, {sampling}"):
        while trained.update < config.updates:
            trained.step()
            if trained.update % SAVE_EVERY == 0 or trained.update in config.checkpoints:
                save(folder, f"supernet-{sampling}", trained.state_dict())
            advance(1, f"super-network, {sampling}")
    labels = trained.labels()
    folder.write_json(name, labels)
    return labels

"""Networks that a study trains alone, briefly, and judges on the test set: each is made once and kept as a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from wsrnas import rng
from wsrnas.attacks.pgd import PGD
from wsrnas.data import DataBundle
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.scoring import score, score_draws
from wsrnas.search.evaluators.short_training import trained_alone
from wsrnas.search.limits import limited_space
from wsrnas.search.setup import network_config
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.sampling import sized_samples
from wsrnas.studies import parts

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """One trained network on the test set: which images are right at each strength (t, 1+S), index 0 clean."""

    right: NDArray[np.bool_]

    @property
    def accuracy(self) -> Array:
        """Return the accuracies (1+S,)."""
        return np.asarray(self.right.mean(axis=0), dtype=np.float64)

    @property
    def by_image(self) -> Array:
        """Return the share of strengths that each image is right at (t,)."""
        return np.asarray(self.right[:, 1:].mean(axis=1), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """Trains as the labels of `config` do and attacks with PGD of `rivals.attack_steps` on the test set.

    Everything random depends on the seed that a network is asked for with, so a study goes on where it stopped.
    """

    config: SearchConfig
    data: DataBundle
    runtime: Runtime
    folder: RunFolder

    def networks(self, genotype: Genotype, count: int, purpose: str) -> list[Judged]:
        """Return the scores of an architecture's networks, trained with `count` seeds that no search of the study saw.

        Architectures that compute the same function share them.
        """
        key = hashlib.sha256(get_space(genotype.space).canonical(genotype).encode()).hexdigest()[:16]
        seeds = [rng.derive_seed(self.config.seed, purpose, key, index) % 2**31 for index in range(count)]
        return [self.judged(genotype, f"network-{key}-{index}", seed) for index, seed in enumerate(seeds)]

    def same_size(self, winner: Genotype, rivals: int, count: int, purpose: str) -> list[list[Judged]]:
        """Return the networks of random architectures within 5 % of a winner's weights, as `networks` does for each.

        They keep the limits that the searches keep, and are drawn with streams that do not depend on the winner.
        """
        sizes = network_config(self.config, self.data)
        space = limited_space(get_space(winner.space), self.config.limits, sizes)
        drawn = sized_samples(
            space,
            sizes,
            space.parameters(winner, sizes),
            count=rivals,
            generator_for=lambda index: rng.stream(self.config.seed, purpose, "rival", index),
            seen={space.canonical(winner)},
        )
        return [self.networks(rival, count, purpose) for rival in drawn]

    def judged(self, genotype: Genotype, name: str, seed: int) -> Judged:
        """Return a network's score, trained now or read from the part `name`."""
        kept = parts.load(self.folder, name)
        if kept is None:
            kept = {"right": self._train(genotype, seed)}
            parts.save(self.folder, name, kept)
        return Judged(kept["right"].numpy())

    def _train(self, genotype: Genotype, seed: int) -> Tensor:
        config, data = self.config, self.data
        space = get_space(genotype.space)
        with self.folder.timed("training"):
            network = trained_alone(space, genotype, config, data, self.runtime, seed, "study", "weights")
        strengths = config.spectrum.all_strengths()
        with self.folder.timed("scoring on test images"):
            found = score(
                network,
                data.test,
                strengths,
                PGD(eps=strengths[-1], steps=config.rivals.attack_steps, keep="best"),
                images=config.rivals.images,
                runtime=self.runtime,
                generator_for=score_draws(config.seed, self.runtime),
            )
        return found.right

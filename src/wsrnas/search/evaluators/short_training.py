"""One network trained alone, briefly and until its learning rate has fallen to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from wsrnas import rng
from wsrnas.attacks.pgd import PGD
from wsrnas.data import DataBundle, Split
from wsrnas.data.augment import Augment
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.inherit import inherit
from wsrnas.search.evaluators.scoring import sees_nothing
from wsrnas.search.labels import LabelsConfig
from wsrnas.search.setup import network_config
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.batches import steps_per_epoch
from wsrnas.training.config import OptimizerConfig
from wsrnas.training.epoch import train_epoch
from wsrnas.training.losses import PGDTraining, Standard, TrainingLoss
from wsrnas.training.schedules import Cosine


@dataclass(frozen=True, kw_only=True)
class ShortTraining:
    """What every candidate is trained with: PGD at one strength, and a rate that rises and falls to nothing.

    `images` of the training set are used, the first ones, where it is not None.
    """

    labels: LabelsConfig
    strength: float
    steps: int
    step_size: float | None
    batch_size: int
    optimizer: OptimizerConfig
    images: int | None

    @property
    def loss(self) -> PGDTraining:
        """The training loss."""
        return PGDTraining(eps=self.strength, steps=self.steps, step_size=self.step_size)

    def steps_of(self, available: int) -> int:
        """Return the batches of an epoch where so many images are at hand."""
        wanted = available if self.images is None else min(self.images, available)
        return steps_per_epoch(wanted, self.batch_size)

    def passes(self, available: int) -> int:
        """Return the images passed through the network, forward and backward one each, by one training."""
        batch = min(self.batch_size, available)
        return self.labels.epochs * self.steps_of(available) * batch * self.loss.passes


def train_short(
    network: nn.Module,
    split: Split,
    settings: ShortTraining,
    *,
    augment: Augment | None,
    runtime: Runtime,
    seed: int,
) -> None:
    """Train a network in place; order, augmentation and attacks depend on the seed, the epoch and the step alone.

    One that sees nothing is trained on clean images, which for it are all the same.

    Source: one cycle of the rate, Smith and Topin, "Super-convergence", 2019.
    Differs from the paper: cosine instead of straight lines, and the momentum stays.
    """
    labels, steps = settings.labels, settings.steps_of(len(split))
    schedule = Cosine(warmup=labels.warmup * labels.epochs)
    blind = sees_nothing(network, runtime.images(split.fetch(torch.arange(min(2, len(split))))[0]))
    loss: TrainingLoss = Standard() if blind else settings.loss
    optimizer = settings.optimizer.build(network.parameters())

    def one_epoch(epoch: int) -> None:
        def attack(step: int) -> torch.Generator:
            return rng.stream(seed, "short", "attack", epoch, step, device=runtime.device)

        def rate(step: int) -> float:
            return labels.learning_rate * schedule.factor(epoch + (step + 0.5) / steps, labels.epochs)

        batches = split.batches(
            settings.batch_size,
            generator=rng.stream(seed, "short", "order", epoch),
            augment=augment,
            device=runtime.device,
            drop_last=len(split) >= settings.batch_size,
        )
        train_epoch(
            network,
            optimizer,
            loss,
            islice(batches, steps),
            runtime=runtime,
            generator_for=attack,
            clip=settings.optimizer.clip,
            learning_rate=rate,
        )

    for epoch in range(labels.epochs):
        one_epoch(epoch)


def short_training(config: SearchConfig) -> ShortTraining:
    """Return the training alone that the settings of a search describe."""
    training = config.training
    strength = config.trained_at()
    return ShortTraining(
        labels=config.labels,
        strength=strength,
        steps=training.steps,
        step_size=training.step_size(strength),
        batch_size=training.batch_size,
        optimizer=OptimizerConfig(
            lr=config.labels.learning_rate,
            momentum=training.momentum,
            weight_decay=training.weight_decay,
            nesterov=config.labels.nesterov,
            clip=training.clip,
        ),
        images=training.images,
    )


def trained_alone(
    space: SearchSpace,
    genotype: Genotype,
    config: SearchConfig,
    data: DataBundle,
    runtime: Runtime,
    seed: int,
    *purpose: str,
    shared: nn.Module | None = None,
) -> nn.Module:
    """Build a network with weights that depend on the seed and `purpose` alone, and train it as labels are.

    Given the sub-network of a super-network it starts from those weights.
    """
    with rng.fixed_global_seed(seed, *purpose):
        network = runtime.prepare(space.build(genotype, network_config(config, data)))
    if shared is not None:
        inherit(network, shared)
    train_short(network, data.train, short_training(config), augment=data.augment, runtime=runtime, seed=seed)
    return network


def label_attack(config: SearchConfig) -> PGD:
    """Return the attack that labels are measured with: PGD of as many steps as networks are trained with, and two."""
    return PGD(eps=config.trained_at(), steps=config.training.steps + 2)

"""One network trained alone, briefly and until its learning rate has fallen to nothing, and measured image by image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas import rng
from wsrnas.attacks.base import Attack
from wsrnas.attacks.pgd import PGD
from wsrnas.attacks.victim import untouched
from wsrnas.data import Split
from wsrnas.data.augment import Augment
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.labels import LabelsConfig
from wsrnas.training.batches import steps_per_epoch
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
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0
    images: int | None = None

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


def sees_nothing(network: nn.Module, images: Tensor) -> bool:
    """Return whether no output depends on the images: cells without a way through them are in some spaces.

    Such a network guesses; there is nothing to attack, and no gradient to attack with.
    """
    with untouched(network), torch.enable_grad():
        leaf = images[:2].detach().clone().requires_grad_(True)
        logits = network.eval()(leaf)
        if not logits.requires_grad:
            return True
        (gradient,) = torch.autograd.grad(logits.sum(), [leaf], allow_unused=True)
    return gradient is None


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
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=labels.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        nesterov=labels.nesterov,
    )

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
            clip=settings.clip,
            learning_rate=rate,
        )

    for epoch in range(labels.epochs):
        one_epoch(epoch)


@dataclass(frozen=True, eq=False)
class Scores:
    """Losses (1+S,) per image, index 0 clean, and whether each image is right at each strength (N, 1+S).

    An image counts at a strength only if it stayed right at every smaller one.
    """

    losses: Float[Tensor, "S"]
    right: Bool[Tensor, "N S"]

    @property
    def wide(self) -> float:
        """Return the accuracy over all strengths above 0, on average."""
        return float(self.right[:, 1:].float().mean())


def score(
    network: nn.Module,
    split: Split,
    strengths: tuple[float, ...],
    attack: Attack,
    *,
    images: int | None = None,
    batch_size: int = 256,
    runtime: Runtime,
    seed: int,
) -> Scores:
    """Attack a network in evaluation mode at every strength, on the first `images` of a split."""
    network.eval()
    wanted = len(split) if images is None else min(images, len(split))
    total, seen, right, blind = torch.zeros(1 + len(strengths)), 0, [], False
    for index, (batch, labels) in enumerate(split.batches(batch_size, device=runtime.device)):
        batch, labels = runtime.images(batch[: wanted - seen]), labels[: wanted - seen].to(runtime.device)
        blind = blind if seen else sees_nothing(network, batch)
        seen += len(labels)
        alive, columns = torch.ones_like(labels, dtype=torch.bool), []
        for place, strength in enumerate((0.0, *strengths)):
            shifted = batch
            if strength and not blind:
                generator = rng.stream(seed, "short", "score", index, place, device=runtime.device)
                shifted = attack.at(strength).perturb(network, batch, labels, generator)
            with torch.no_grad():
                logits = network(shifted).float()
            total[place] += functional.cross_entropy(logits, labels, reduction="sum").cpu()
            alive = alive & (logits.argmax(dim=1) == labels)
            columns.append(alive)
        right.append(torch.stack(columns, dim=1).cpu())
        if seen >= wanted:
            break
    return Scores(total / seen, torch.cat(right))


def scoring_passes(images: int, strengths: int, attack: Attack) -> int:
    """Return what `score` costs: an attack and a forward pass per strength, and one for the clean images."""
    return images * (strengths * (attack.passes + 1) + 1)


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
        momentum=training.momentum,
        weight_decay=training.weight_decay,
        clip=training.clip,
        images=training.images,
    )


def label_attack(config: SearchConfig) -> PGD:
    """Return the attack that labels are measured with: PGD of as many steps as networks are trained with, and two."""
    return PGD(eps=config.trained_at(), steps=config.training.steps + 2)

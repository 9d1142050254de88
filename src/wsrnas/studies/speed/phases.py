"""The phases of a search iteration, and what is built of them, as pairs of the fast and the plain way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.configure import configured
from wsrnas.estimators.memory import NoiseMemory
from wsrnas.estimators.noise import fit_noise_estimator, push_noise
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.measure import real_noises
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.wsr.wsr_nas import WsrNas
from wsrnas.studies.speed import plain
from wsrnas.studies.speed.pairs import Work
from wsrnas.studies.speed.subject import Subject
from wsrnas.training.epoch import train_epoch
from wsrnas.training.losses import PGDTraining

PLAIN = "plain"
PAPER = "the paper's"


def training(subject: Subject) -> Iterator[Work]:
    """Adversarial training of the shared weights on one architecture."""
    evaluator, fast = subject.evaluator, subject.fast
    theirs = plain_training(subject)
    yield Work(
        phase="training",
        against=PLAIN,
        ours=lambda: evaluator.train(fast),
        theirs=theirs,
        images=len(subject.data.train),
        passes=evaluator.costs.attack + 2,
        multiply_adds=subject.multiply_adds,
    )


def plain_training(subject: Subject) -> Callable[[], object]:
    """Return the plain way of the same training, with weights and an optimiser of its own."""
    weights, evaluator = subject.config.training, subject.evaluator
    optimizer = torch.optim.SGD(
        subject.plain.supernet.parameters(),
        lr=weights.learning_rate,
        momentum=weights.momentum,
        weight_decay=weights.weight_decay,
    )
    return lambda: plain.train(
        subject.plain,
        optimizer,
        subject.training_batches(),
        eps=evaluator.attack.eps,
        steps=weights.steps,
        step_size=evaluator.attack.step_size,
        clip=weights.clip,
    )


def noise_data(subject: Subject) -> Iterator[Work]:
    """Attacks of training images at the known strengths and a drawn one, pushed into M_a; in ours, where φ learns."""
    evaluator = subject.evaluator
    strengths = [*evaluator.spectrum.attacked, 0.5 * subject.config.noise_estimator.largest]
    memory, examples = NoiseMemory(subject.config.noise_estimator.memory), subject.config.noise_estimator.examples

    def ours() -> None:
        for images, labels in subject.training_batches():
            images = subject.runtime.images(images)
            found = real_noises(subject.fast, images, labels, strengths, evaluator.attack, subject.runtime)
            push_noise(memory, images, found, torch.tensor(strengths), examples)

    def theirs() -> None:
        for images, labels in subject.training_batches():
            found = plain.noises(subject.plain, images, labels, strengths, *_steps(subject))
            push_noise(memory, images, found, torch.tensor(strengths), examples)

    yield Work(
        phase="noise-data",
        against=PLAIN,
        ours=ours,
        theirs=theirs,
        images=len(subject.data.train),
        passes=evaluator.costs.noise_data(1, evaluator.spectrum),
        multiply_adds=subject.multiply_adds,
    )


def _steps(subject: Subject) -> tuple[int, float | None]:
    return subject.config.training.steps, subject.config.training.step_ratio


def measuring(subject: Subject) -> Iterator[Work]:
    """Attacks, estimates and losses on D_v."""
    evaluator = subject.evaluator
    yield Work(
        phase="measuring",
        against=PLAIN,
        ours=lambda: evaluator.losses(subject.fast),
        theirs=lambda: plain_losses(subject),
        images=len(subject.data.valid),
        passes=evaluator.costs.measuring(1, evaluator.spectrum),
        multiply_adds=subject.multiply_adds,
    )


def plain_losses(subject: Subject) -> torch.Tensor:
    """Return the mean losses per image of D_v, the plain way, with the same φ (not refined)."""
    spectrum, estimator = subject.evaluator.spectrum, subject.evaluator.noise_estimator
    total, seen = torch.zeros(1 + len(spectrum.strengths), device=subject.runtime.device), 0
    known_strengths, wanted = torch.tensor(spectrum.attacked), torch.tensor(spectrum.estimated)
    for images, labels in subject.valid_batches():
        known = plain.noises(subject.plain, images, labels, spectrum.attacked, *_steps(subject))
        columns = dict(zip(spectrum.attacked, known.unbind(1)))
        if spectrum.estimated:
            with torch.no_grad():
                estimated = estimator(images, known, known_strengths, wanted)
            columns |= dict(zip(spectrum.estimated, estimated.unbind(1)))
        noise = torch.stack([columns[strength] for strength in spectrum.strengths], dim=1)
        total += plain.losses(subject.plain, images, labels, noise)
        seen += len(images)
    return total / seen


def iteration(subject: Subject) -> Iterator[Work]:
    """A whole iteration: train, noise data and φ where it learns, measure, train ψ, choose and update."""
    work = [next(training(subject)), next(measuring(subject))]
    if subject.evaluator.noise_estimator.needs_training and subject.evaluator.spectrum.estimated:
        work.append(next(noise_data(subject)))
        fit = _fit_noise_estimator(subject.evaluator, subject)
        work.append(Work(phase="", against="", ours=fit, theirs=fit))
    ours, _ = _psi(OneShot(subject.config, subject.data, subject.runtime))
    work.append(Work(phase="", against="", ours=ours, theirs=ours))
    yield Work(
        phase="iteration",
        against=PLAIN,
        ours=lambda: [part.ours() for part in work],
        theirs=lambda: [part.theirs() for part in work],
        images=len(subject.data.train),
        passes=sum(part.passes * part.images for part in work) / len(subject.data.train),
        multiply_adds=subject.multiply_adds,
    )


def estimators(subject: Subject) -> Iterator[Work]:
    """Training of φ and ψ on full memories, those of the recipe beside the paper's (A-ANE, LSTM)."""
    yield from _beside_paper(subject, "estimators", fitting=True)


def update(subject: Subject) -> Iterator[Work]:
    """Choosing the next architecture and updating A, the recipe's way beside the paper's."""
    yield from _beside_paper(subject, "update", fitting=False)


def _beside_paper(subject: Subject, phase: str, *, fitting: bool) -> Iterator[Work]:
    paper = replace(
        configured(SearchConfig, "search", subject.config.recipe, {}, preset="paper"),
        data=subject.config.data,
        runtime=subject.config.runtime,
        budget=subject.config.budget,
    )
    both = []
    for config in (subject.config, paper):
        evaluator = OneShot(config, subject.data, subject.runtime)
        fit, choose = _psi(evaluator)
        both.append(_one_after_another(_fit_noise_estimator(evaluator, subject), fit) if fitting else choose)
    ours, theirs = both
    yield Work(phase=phase, against=PAPER, ours=ours, theirs=theirs)


def _one_after_another(*work: Callable[[], object]) -> Callable[[], object]:
    return lambda: [one() for one in work]


def _fit_noise_estimator(evaluator: OneShot, subject: Subject) -> Callable[[], object]:
    """Return K_a passes of φ over a full M_a; nothing where φ has nothing to learn."""
    if not (evaluator.noise_estimator.needs_training and evaluator.spectrum.estimated):
        return lambda: None
    settings = evaluator.config.noise_estimator
    strengths = torch.tensor([*evaluator.spectrum.attacked, 0.5 * settings.largest])
    while len(evaluator.noise_memory) < min(settings.memory, 2 * subject.config.training.batch_size):
        images, _ = subject.batch
        noise = (torch.rand(len(images), len(strengths), *images.shape[1:]) - 0.5) * strengths[:, None, None, None]
        before = len(evaluator.noise_memory)
        push_noise(evaluator.noise_memory, images, noise, strengths, settings.examples)
        if len(evaluator.noise_memory) == before:
            break
    return lambda: fit_noise_estimator(
        evaluator.noise_estimator,
        evaluator.noise_memory,
        evaluator.noise_optimizer,
        passes=settings.passes,
        batch_size=evaluator.config.training.batch_size,
        generator=rng.stream(0, "speed", "fit"),
        schedule=evaluator.noise_schedule,
    )


def _psi(evaluator: OneShot) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return ψ's training on an M_v of N labels, and choosing with the update of A."""
    config = evaluator.config
    strategy = build_strategy(
        config.strategy, evaluator, config.spectrum.objective(), config.seed, budget=config.budget
    )
    if not isinstance(strategy, WsrNas):
        return (lambda: None), (lambda: None)
    generator = rng.stream(0, "speed", "labels")
    for architecture in strategy.population:
        losses = 1 + torch.rand(1 + len(evaluator.spectrum.strengths), generator=generator)
        strategy.memory.push(architecture.encoding, losses, architecture.choice, 0)
    strategy.iteration = 2 * config.budget.population
    strategy.fit()

    def choose() -> None:
        strategy.chooser.choose(strategy.memory, strategy.estimator, strategy.iteration)
        strategy.chooser.update(strategy.estimator)

    return strategy.fit, choose


def pgd(subject: Subject, steps: int) -> Iterator[Work]:
    """PGD on a sub-network, without a random start."""
    images, labels = subject.batch
    eps = subject.evaluator.attack.eps
    attack = PGD(eps=eps, steps=steps, random_start=False)
    given = subject.runtime.images(images)
    yield Work(
        phase=f"pgd-{steps}",
        against=PLAIN,
        ours=lambda: attack(subject.fast, given, labels),
        theirs=lambda: plain.pgd(subject.plain, images, labels, eps, steps, None),
        images=len(images),
        passes=attack.passes,
        multiply_adds=subject.multiply_adds,
    )


def epoch(subject: Subject) -> Iterator[Work]:
    """Adversarial training of a network of its own, attacked in eval mode as AdvRush's code does."""
    weights, eps = subject.config.training, subject.evaluator.attack.eps
    network, optimizers = subject.alone(), []
    other = plain.plain_copy(network)
    subject.runtime.prepare(network)
    settings: dict[str, Any] = {"lr": weights.learning_rate, "momentum": 0.9, "weight_decay": weights.weight_decay}
    optimizers = [torch.optim.SGD(one.parameters(), **settings) for one in (network, other)]
    loss = PGDTraining(eps=eps, steps=7, random_start=False, attack_mode="eval")

    def theirs() -> None:
        plain.train(
            other,
            optimizers[1],
            subject.training_batches(),
            eps=eps,
            steps=7,
            step_size=None,
            clip=5.0,
            attack_mode="eval",
        )

    yield Work(
        phase="epoch",
        against=PLAIN,
        ours=lambda: _train(network, optimizers[0], loss, subject),
        theirs=theirs,
        images=len(subject.data.train),
        passes=loss.passes,
        multiply_adds=subject.multiply_adds,
    )


def _train(network: nn.Module, optimizer: torch.optim.Optimizer, loss: PGDTraining, subject: Subject) -> None:
    train_epoch(
        network,
        optimizer,
        loss,
        subject.training_batches(),
        runtime=subject.runtime,
        generator_for=lambda step: rng.stream(0, "speed", "attack", step),
        clip=5.0,
    )

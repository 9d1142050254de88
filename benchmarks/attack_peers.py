"""Each attack of the project beside the same attack of foolbox, torchattacks, ART or pyautoattack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import art.attacks.evasion
import foolbox
import pyautoattack.autopgd_base
import pyautoattack.square
import torch
import torchattacks
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import APGD, FGSM, PGD, Attack, AutoAttack, BlackBox, RandomNoise, Square, TargetedAPGD, Transfer
from wsrnas.attacks.black_box import small_substitute
from wsrnas.types import Norm


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trained network, the images it is attacked on, the classes to be reached by targeted attacks, a second one."""

    model: nn.Module
    images: Tensor
    labels: Tensor
    targets: Tensor
    other: nn.Module

    def first(self, count: int) -> Subject:
        rows = slice(0, count)
        return replace(self, images=self.images[rows], labels=self.labels[rows], targets=self.targets[rows])


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One comparison; `ours` and `theirs` make adversarial images from a seed."""

    attack: str
    norm: Norm
    peer: str
    ours: Callable[[int], Tensor]
    theirs: Callable[[int], Tensor]
    subject: Subject
    targeted: bool = False
    drawn: bool = True


def pairs(subject: Subject, norm: Norm, eps: float, budget: Budget) -> Iterator[Pair]:
    """Yield every comparison in one norm; the settings of both sides are the same."""
    fool = foolbox.PyTorchModel(subject.model, bounds=(0, 1), device="cpu")
    step, x, y, t = 2.5 * eps / 20, subject.images, subject.labels, subject.targets
    order = float("inf") if norm == "Linf" else 2

    def pair(attack: Attack, peer: str, theirs: Callable[[int], Tensor], **more: Any) -> Pair:
        targeted, on = more.get("targeted", False), more.get("subject", subject)
        more.setdefault("subject", subject)

        def ours(seed: int) -> Tensor:
            generator = torch.Generator().manual_seed(seed)
            return attack(on.model, on.images, on.labels, generator, targets=on.targets if targeted else None)

        name = f"{attack.name}, targeted" if targeted else attack.name
        return Pair(attack=name, norm=norm, peer=peer, ours=ours, theirs=theirs, **more)

    def from_foolbox(name: str, goal: Any, strength: float = eps, **settings: Any) -> Callable[[int], Tensor]:
        attack = getattr(foolbox.attacks, name)(**settings)
        return lambda seed: attack(fool, x, goal, epsilons=strength)[1]

    def from_art(name: str, labels: Tensor, **settings: Any) -> Callable[[int], Tensor]:
        def run(seed: int) -> Tensor:
            shape = tuple(x.shape[1:])
            loss = nn.CrossEntropyLoss()
            model = PyTorchClassifier(subject.model, loss, shape, 10, clip_values=(0.0, 1.0), device_type="cpu")
            attack = getattr(art.attacks.evasion, name)(model, norm=order, eps=eps, batch_size=1000, **settings)
            return torch.from_numpy(attack.generate(x.numpy(), labels.numpy()))

        return run

    fast = "LinfFastGradientAttack" if norm == "Linf" else "L2FastGradientAttack"
    yield pair(FGSM(eps=eps, norm=norm), "foolbox", from_foolbox(fast, y), drawn=False)
    yield pair(FGSM(eps=eps, norm=norm), "ART", from_art("FastGradientMethod", y), drawn=False)
    if norm == "Linf":
        yield pair(
            FGSM(eps=eps), "torchattacks", lambda seed: torchattacks.FGSM(subject.model, eps=eps)(x, y), drawn=False
        )
    many, many_art = f"{norm}ProjectedGradientDescentAttack", {"max_iter": 20, "eps_step": step, "num_random_init": 1}
    pgd_class = torchattacks.PGD if norm == "Linf" else torchattacks.PGDL2
    for targeted in (False, True):
        pgd, goal = PGD(eps=eps, norm=norm), foolbox.criteria.TargetedMisclassification(t) if targeted else y
        aim = t if targeted else y

        def library(seed: int, targeted: bool = targeted, aim: Tensor = aim) -> Tensor:
            attack = pgd_class(subject.model, eps=eps, alpha=step, steps=20)
            if targeted:
                attack.set_mode_targeted_by_label(quiet=True)
            return attack(x, aim)

        yield pair(pgd, "foolbox", from_foolbox(many, goal, steps=20, abs_stepsize=step), targeted=targeted)
        yield pair(pgd, "torchattacks", library, targeted=targeted)
        art_pgd = from_art("ProjectedGradientDescentPyTorch", aim, targeted=targeted, verbose=False, **many_art)
        yield pair(pgd, "ART", art_pgd, targeted=targeted)
    for loss in ("ce", "dlr"):
        apgd = APGD(eps=eps, norm=norm, steps=budget.steps, loss=loss)
        settings: dict[str, Any] = {"norm": norm, "eps": eps, "loss": loss}

        def original(seed: int, settings: dict[str, Any] = settings) -> Tensor:
            attack = pyautoattack.autopgd_base.APGDAttack(
                subject.model, n_iter=budget.steps, seed=seed, device="cpu", **settings
            )
            return attack.perturb(x, y)

        def copied(seed: int, settings: dict[str, Any] = settings) -> Tensor:
            return torchattacks.APGD(subject.model, steps=budget.steps, seed=seed, **settings)(x, y)

        yield pair(apgd, "pyautoattack", original)
        yield pair(apgd, "torchattacks", copied)
    some = subject.first(budget.few)
    towards = TargetedAPGD(eps=eps, norm=norm, steps=budget.steps, classes=4)
    yield pair(
        towards,
        "pyautoattack",
        lambda seed: pyautoattack.autopgd_base.APGDAttack_targeted(
            subject.model, n_iter=budget.steps, norm=norm, eps=eps, seed=seed, n_target_classes=4, device="cpu"
        ).perturb(some.images, some.labels),
        subject=some,
    )
    square = Square(eps=eps, norm=norm, queries=budget.queries)
    asked = {"norm": norm, "n_queries": budget.queries, "eps": eps, "resc_schedule": True}
    yield pair(
        square,
        "pyautoattack",
        lambda seed: pyautoattack.square.SquareAttack(subject.model, seed=seed, device="cpu", **asked).perturb(
            some.images, some.labels
        ),
        subject=some,
    )
    yield pair(
        square,
        "torchattacks",
        lambda seed: torchattacks.Square(subject.model, seed=seed, **asked)(some.images, some.labels),
        subject=some,
    )
    noisy = {
        "Linf": "LinfRepeatedAdditiveUniformNoiseAttack",
        "L2": "L2ClippingAwareRepeatedAdditiveGaussianNoiseAttack",
    }[norm]
    yield pair(RandomNoise(eps=2 * eps, norm=norm), "foolbox, same radius", from_foolbox(noisy, y, 2 * eps, repeats=10))
    fewer = subject.first(budget.few // 3)
    yield pair(
        AutoAttack(eps=eps, norm=norm, queries=5000),
        "torchattacks",
        lambda seed: torchattacks.AutoAttack(subject.model, norm=norm, eps=eps, seed=seed)(fewer.images, fewer.labels),
        subject=fewer,
        drawn=False,
    )
    inner = PGD(eps=eps, norm=norm)
    source = foolbox.PyTorchModel(subject.other, bounds=(0, 1), device="cpu")
    yield pair(
        Transfer(eps=eps, norm=norm, sources=(subject.other,), attack=inner),
        "foolbox PGD on the same source",
        lambda seed: getattr(foolbox.attacks, many)(steps=20, abs_stepsize=step)(source, x, y, epsilons=eps)[1],
    )
    box = BlackBox(eps=eps, norm=norm, rounds=3, attack=inner)
    few = subject.first(200)
    yield pair(box, "explicit loop", lambda seed: papernot(few, box, many), subject=few)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Steps of APGD, queries of Square, and the images that the costly attacks are run on."""

    steps: int = 50
    queries: int = 500
    few: int = 300


def papernot(subject: Subject, settings: BlackBox, crafting: str) -> Tensor:
    """Papernot's Algorithm 1 word for word: a fresh substitute each round, the Jacobian taken image by image."""
    images = subject.images
    with torch.no_grad():
        known = subject.model(images).argmax(1)
    for round_number in range(settings.rounds + 1):
        network = small_substitute(images.shape[1], 10)
        optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        for _ in range(settings.epochs):
            for rows in torch.randperm(len(images)).split(settings.batch_size):
                optimiser.zero_grad()
                functional.cross_entropy(network(images[rows]), known[rows]).backward()
                optimiser.step()
        if round_number == settings.rounds:
            break
        added = []
        for image, label in zip(images, known):
            leaf = image[None].clone().requires_grad_(True)
            (jacobian,) = torch.autograd.grad(network(leaf)[0, label], leaf)
            added.append((image[None] + settings.augmentation_step * jacobian.sign()).clamp(0, 1))
        fresh = torch.cat(added)[torch.randperm(len(added))[: settings.max_images]]
        with torch.no_grad():
            known = torch.cat([known, subject.model(fresh).argmax(1)])
        images = torch.cat([images, fresh])
    victim = foolbox.PyTorchModel(network.eval(), bounds=(0, 1), device="cpu")
    attack = getattr(foolbox.attacks, crafting)(steps=20, abs_stepsize=2.5 * settings.eps / 20)
    moved: Tensor = attack(victim, subject.images, subject.labels, epsilons=settings.eps)[1]
    return moved

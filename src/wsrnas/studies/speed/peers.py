"""PGD by torchattacks, foolbox and ART, and AutoAttack per strength by pyautoattack, where they are installed."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.networks.cost import count_multiply_adds
from wsrnas.networks.resnet import ResNet
from wsrnas.studies.speed.pairs import Work
from wsrnas.studies.speed.plain import plain_copy
from wsrnas.studies.speed.subject import CLASSES, Subject

PEERS = {
    "torchattacks": "torchattacks",
    "foolbox": "foolbox",
    "ART": "art",
}
"""What each is called, and the module it is imported as."""


def installed(name: str, module: str, left_out: list[str]) -> ModuleType | None:
    """Import a peer; where that fails, say in a sentence why its rows are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(module)
        except ImportError as error:
            sentence = f"{name} is left out: it is not installed, or does not import ({error})"
            if sentence not in left_out:
                left_out.append(sentence)
            return None


def peers_of_pgd(
    phase: str, model: nn.Module, fast: nn.Module, subject: Subject, steps: int, left_out: list[str]
) -> Iterator[Work]:
    """Yield the same PGD by every peer on `model`, ours on `fast`, the same network in the fast way."""
    images, labels = subject.batch
    eps = subject.evaluator.attack.eps
    attack = PGD(eps=eps, steps=steps, random_start=False)
    given = subject.runtime.images(images)
    makers: dict[str, Callable[[], Callable[[], object]]] = {
        "torchattacks": lambda: _torchattacks(model, images, labels, eps, steps),
        "foolbox": lambda: _foolbox(model, images, labels, eps, steps),
        "ART": lambda: _art(model, images, labels, eps, steps),
    }
    adds = count_multiply_adds(fast, subject.data.image_shape)
    for name, module in PEERS.items():
        if installed(name, module, left_out) is None:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = makers[name]()
        yield Work(
            phase=phase,
            against=name,
            ours=lambda: attack(fast, given, labels),
            theirs=theirs,
            images=len(images),
            passes=attack.passes,
            multiply_adds=adds,
        )


def pgd_on_resnet(subject: Subject, steps: int, left_out: list[str], *, channels: int = 64) -> Iterator[Work]:
    """PGD on a ResNet-18 in eval mode; channels last and a model with frozen weights are our way, where it pays."""
    with rng.fixed_global_seed(0, "speed", "resnet"):
        shape = subject.data.image_shape
        network = ResNet(
            blocks=(2, 2, 2, 2), bottleneck=False, channels=channels, num_classes=CLASSES, image_channels=shape[0]
        )
    model, fast = plain_copy(network).eval(), subject.runtime.prepare(network).eval()
    yield from peers_of_pgd(f"pgd-{steps}-resnet18", model, fast, subject, steps, left_out)


def _torchattacks(model: nn.Module, images: Tensor, labels: Tensor, eps: float, steps: int) -> Callable[[], Tensor]:
    import torchattacks

    attack = torchattacks.PGD(model, eps=eps, alpha=2.5 * eps / steps, steps=steps, random_start=False)
    return lambda: attack(images, labels)


def _foolbox(model: nn.Module, images: Tensor, labels: Tensor, eps: float, steps: int) -> Callable[[], Any]:
    from foolbox.attacks.projected_gradient_descent import LinfProjectedGradientDescentAttack
    from foolbox.models.pytorch import PyTorchModel

    wrapped = PyTorchModel(model.eval(), bounds=(0, 1), device=images.device)
    attack = LinfProjectedGradientDescentAttack(steps=steps, abs_stepsize=2.5 * eps / steps, random_start=False)
    return lambda: attack(wrapped, images, labels, epsilons=eps)


def _art(model: nn.Module, images: Tensor, labels: Tensor, eps: float, steps: int) -> Callable[[], Any]:
    from art.attacks.evasion import ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    device = "cpu" if images.device.type == "cpu" else "gpu"
    wrapped = PyTorchClassifier(
        model, nn.CrossEntropyLoss(), tuple(images.shape[1:]), CLASSES, clip_values=(0.0, 1.0), device_type=device
    )
    attack = ProjectedGradientDescentPyTorch(
        wrapped,
        eps=eps,
        eps_step=2.5 * eps / steps,
        max_iter=steps,
        num_random_init=0,
        batch_size=len(images),
        verbose=False,
    )
    pixels, classes = images.cpu().numpy(), labels.cpu().numpy()
    return lambda: attack.generate(pixels, classes)

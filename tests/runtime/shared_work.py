"""Work on batches that processes share, for test_processes.py: what all processes together come to.

Also a program of its own, started by torchrun: `shared_work.py FILE` does all of it and saves what came out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from wsrnas import rng
from wsrnas.attacks import APGD, PGD, Square
from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.parts import PartConfig
from wsrnas.runtime import Runtime, RuntimeConfig, processes
from wsrnas.runtime.processes import LostError, all_sum_flat
from wsrnas.runtime.shares import all_rows, sharing
from wsrnas.training.epoch import train_epoch
from wsrnas.training.held_out import measure_held_out
from wsrnas.training.losses import LOSSES
from wsrnas.training.perturbation import WeightPerturbation

Found = dict[str, Tensor]
IMAGES = 7


def images() -> Tensor:
    return torch.rand(IMAGES, 2, 5, 5, generator=rng.stream(0, "images"))


LABELS = torch.arange(IMAGES) % 3


def network(**settings: bool) -> nn.Module:
    with rng.fixed_global_seed(0, "network"):
        layers: list[nn.Module] = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, **settings), nn.Tanh()]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(36, 3), nn.BatchNorm1d(3, **settings))


def statistics(layer: nn.Module, features: Tensor, channels_last: bool = False) -> Found:
    """Normalise a batch twice and differentiate a loss of it."""
    outputs, slopes, weights = [], [], list(layer.parameters())
    for factor in (1.0, 3.0):
        with sharing(len(features)) as share:
            own = share.of(factor * features)
            if channels_last:
                own = own.contiguous(memory_format=torch.channels_last)
            own = own.detach().requires_grad_(True)
            normalised = layer(own)
            aim = share.of(torch.linspace(-1, 1, features.numel()).view_as(features))
            found = list(torch.autograd.grad((normalised * aim).exp().sum(), [own, *weights]))
            all_sum_flat(found[1:])
        outputs.append(all_rows(normalised.detach()))
        slopes += [all_rows(found[0]), *found[1:]]
    named = [*enumerate(outputs), *((f"slope {place}", slope) for place, slope in enumerate(slopes))]
    return {str(name): value for name, value in [*named, *layer.named_buffers()]}


def attacked(attack: Callable[..., Tensor], **settings: bool) -> Found:
    """Attack a network in train mode, whose images influence each other."""
    model = network(**settings).train()
    with sharing(IMAGES) as share:
        found = attack(model, share.of(images()), share.of(LABELS), rng.stream(1, "attack"))
    return {"images": all_rows(found)}


def trained(loss: str, settings: dict[str, object], perturbed: bool = False) -> Found:
    """Take a step on six images and one on the last, which fewer processes than two share."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    result = train_epoch(
        model,
        optimizer,
        LOSSES.build(PartConfig(name=loss, settings=settings), argument="loss"),
        [(images()[:4], LABELS[:4]), (images()[4:], LABELS[4:])],
        runtime=Runtime(RuntimeConfig(device="cpu")),
        generator_for=lambda step: rng.stream(2, "step", step),
        clip=1.0,
        perturbation=WeightPerturbation(gamma=0.01) if perturbed else None,
    )
    return {**model.state_dict(), "loss": torch.tensor(result.loss), "images": torch.tensor(result.images)}


def held_out() -> Found:
    """Measure on as many images as do not split evenly, in batches the last of which is one image."""
    data = load_data(DataConfig(name="digits", valid_fraction=0.1), 0)
    with rng.fixed_global_seed(0, "digits"):
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    found = measure_held_out(
        model, data.valid, strength=0.1, steps=2, images=13, batch_size=4, seed=0, runtime=Runtime(RuntimeConfig())
    )
    return {name: torch.tensor(value) for name, value in vars(found).items()}


def told() -> Found:
    """What processes tell one another, where it does not depend on how many they are."""
    last = processes.size() - 1
    found = {
        "rank of the first": processes.first(processes.rank),
        "in order": processes.gather(processes.rank) == list(range(processes.size())),
        "agreed": processes.agree(processes.rank() == last),
        "not agreed": processes.agree(False),
        "sum": processes.all_sum(torch.ones(3)).tolist() == [processes.size()] * 3,
        "first again": processes.first(lambda: processes.is_first()),
    }
    with processes.alone():
        found |= {"alone": processes.size(), "alone gathered": processes.gather(lambda: 5), "agreed alone": True}
    for error, place in ((InputError("sentence"), last), (KeyError("fault"), last), (InputError("first"), 0)):

        def refuse(error: Exception = error, place: int = place) -> None:
            if processes.rank() == place:
                raise error

        own = processes.rank() == place or isinstance(error, InputError)
        with pytest.raises(type(error) if own else LostError, match=error.args[0]) as raised:
            processes.together(refuse)
        found[error.args[0]] = getattr(raised.value, "shared", False) is (isinstance(error, InputError) and last > 0)
    return {name: torch.tensor(value) for name, value in found.items()}


WORK: dict[str, Callable[[], Found]] = {
    "BatchNorm2d": lambda: statistics(nn.BatchNorm2d(2), images()),
    "BatchNorm2d, channels last": lambda: statistics(nn.BatchNorm2d(2), images(), channels_last=True),
    "BatchNorm2d without affine, far from zero": lambda: statistics(nn.BatchNorm2d(2, affine=False), images() + 30),
    "BatchNorm1d, averages of all batches": lambda: statistics(nn.BatchNorm1d(2, momentum=None), images().flatten(2)),
    "BatchNorm2d without averages": lambda: statistics(nn.BatchNorm2d(2, track_running_stats=False).eval(), images()),
    "BatchNorm2d in eval mode": lambda: statistics(nn.BatchNorm2d(2).eval(), images()),
    "PGD": lambda: attacked(PGD(eps=0.1, steps=3)),
    "PGD in L2": lambda: attacked(PGD(eps=0.5, steps=2, norm="L2")),
    "PGD without averages": lambda: attacked(PGD(eps=0.1, steps=3), affine=False, track_running_stats=False),
    "APGD": lambda: attacked(APGD(eps=0.3, steps=10, restarts=2)),
    "Square": lambda: attacked(Square(eps=0.2, queries=10)),
    "standard": lambda: trained("standard", {"label_smoothing": 0.1}),
    "pgd": lambda: trained("pgd", {"eps": 0.1, "steps": 2, "attack_mode": "train"}),
    "pgd, perturbed": lambda: trained("pgd", {"eps": 0.1, "steps": 2}, perturbed=True),
    "trades": lambda: trained("trades", {"eps": 0.1, "steps": 2}),
    "multi": lambda: trained("multi", {"strengths": (0.05, 0.1), "steps": 2}),
    "fast": lambda: trained("fast", {"eps": 0.1}),
    "free": lambda: trained("free", {"eps": 0.1, "replays": 3}),
    "held-out images": held_out,
    "told": told,
}

if __name__ == "__main__":
    Runtime(replace(RuntimeConfig(), device="cpu", threads=1))
    done = {name: work() for name, work in WORK.items()}
    processes.first(lambda: torch.save(done, sys.argv[1]))

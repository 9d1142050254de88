"""Are our attacks as strong as those of foolbox, torchattacks, ART and pyautoattack, on the same network and images?

    python benchmarks/attack_agreement.py --out runs/attack-agreement                 # the embedded digits
    python benchmarks/attack_agreement.py --root DIR --out runs/attack-agreement-cifar10

Every attack is run with the same settings on both sides; all adversarial images are scored by one forward pass here.
Attacks that draw random numbers are run with several seeds, and an image counts by the share of seeds it survives, so
that the interval of the paired difference holds the noise of both the images and the draws. Writes
`attack_agreement.md` and `.json`, a row at a time. Some minutes on one CPU core.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import torch
from attack_peers import Budget, Pair, Subject, pairs
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.data import DataConfig, load_data
from wsrnas.evaluation.tables import to_markdown
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.types import Norm

STRENGTHS: dict[str, dict[Norm, float]] = {"digits": {"Linf": 0.12, "L2": 0.6}, "cifar10": {"Linf": 4 / 255, "L2": 0.5}}
HEADERS = ["attack", "norm", "peer", "images x seeds", "ours %", "peer %", "ours - peer", "95 % interval"]


def network(channels: int, size: int, width: int) -> nn.Module:
    shrink = [nn.AvgPool2d(2)] if size > 16 else []
    side = size // (4 if shrink else 2)
    return nn.Sequential(
        *shrink,
        nn.Conv2d(channels, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * width * side**2, 10),
    )


def trained(images: Tensor, labels: Tensor, *, eps: float, epochs: int, seed: int) -> nn.Module:
    """PGD-3 adversarial training, or plain training when eps is 0."""
    attack, generator = PGD(eps=eps, steps=3), stream(seed, "train")
    with fixed_global_seed(seed, "weights"):
        model = network(images.shape[1], images.shape[2], 24)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(images), generator=generator).split(64):
            batch = attack.perturb(model.train(), images[rows], labels[rows], generator) if eps else images[rows]
            optimiser.zero_grad()
            functional.cross_entropy(model(batch), labels[rows]).backward()
            optimiser.step()
    for parameter in model.parameters():
        parameter.grad = None
    return model.eval()


def load(arguments: argparse.Namespace) -> tuple[Subject, dict[str, Any]]:
    name = "digits" if arguments.root is None else "cifar10"
    config = DataConfig(name=name, root=arguments.root, valid_fraction=0.0)
    if name == "cifar10":
        config = DataConfig(
            name=name, root=arguments.root, valid_fraction=0.0, train_limit=6000, test_limit=arguments.images
        )
    data = load_data(config, seed=0)
    images, labels = data.train.fetch(torch.arange(len(data.train)))
    tested, answers = data.test.fetch(torch.arange(len(data.test)))
    if len(tested) < arguments.images:  # digits: a larger test set is worth more here than a better network
        images, labels = torch.cat([images, tested]), torch.cat([labels, answers])
        order = torch.randperm(len(images), generator=stream(0, "split"))
        tested, answers = images[order[: arguments.images]], labels[order[: arguments.images]]
        images, labels = images[order[arguments.images :]], labels[order[arguments.images :]]
    tested, answers = tested[: arguments.images], answers[: arguments.images]
    eps, epochs = (0.0, 8) if name == "digits" else (4 / 255, 5)
    model = trained(images, labels, eps=eps, epochs=epochs, seed=0)
    other = trained(images, labels, eps=eps, epochs=epochs, seed=1)
    targets = (answers + torch.randint(1, 10, answers.shape, generator=stream(0, "targets"))) % 10
    clean = float((model(tested).argmax(1) == answers).double().mean())
    facts = {"data": name, "training images": len(images), "test images": len(tested), "clean accuracy": clean}
    return Subject(model=model, images=tested, labels=answers, targets=targets, other=other), facts


@torch.no_grad()
def stands(pair: Pair, adversarial: Tensor) -> Tensor:
    """Whether the attack failed, per image: the class is still right, or the target is not reached."""
    subject = pair.subject
    predicted = subject.model(adversarial).argmax(1)
    return (predicted != subject.targets) if pair.targeted else (predicted == subject.labels)


def measured(pair: Pair, seeds: int) -> dict[str, Any]:
    seeds = seeds if pair.drawn else 1
    shares = []
    for make in (pair.ours, pair.theirs):
        runs = []
        for seed in range(seeds):
            with fixed_global_seed(seed, "peer"):
                adversarial = make(seed)
            pair.subject.model.eval()
            for parameter in pair.subject.model.parameters():  # some peers switch gradients off and leave them so
                parameter.requires_grad_(True)
                parameter.grad = None
            runs.append(stands(pair, adversarial).double())
        shares.append(torch.stack(runs).mean(0))
    ours, theirs = shares
    apart, count = ours - theirs, len(ours)
    spread = 1.96 * float(apart.std()) / math.sqrt(count)
    value = float(apart.mean())
    return {
        "attack": pair.attack,
        "norm": pair.norm,
        "peer": pair.peer,
        "images": count,
        "seeds": seeds,
        "ours": float(ours.mean()),
        "peer_accuracy": float(theirs.mean()),
        "difference": value,
        "low": value - spread,
        "high": value + spread,
    }


def row(one: dict[str, Any]) -> list[str]:
    return [
        one["attack"],
        one["norm"],
        one["peer"],
        f"{one['images']} x {one['seeds']}",
        f"{100 * one['ours']:.1f}",
        f"{100 * one['peer_accuracy']:.1f}",
        f"{100 * one['difference']:+.2f}",
        f"[{100 * one['low']:+.2f}, {100 * one['high']:+.2f}]",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help="folder with train.parquet and test.parquet of CIFAR-10; digits without it")
    parser.add_argument("--out", default="runs/attack-agreement")
    parser.add_argument("--images", type=int, default=800, help="test images")
    parser.add_argument("--few", type=int, default=300, help="test images of APGD-T, Square and AutoAttack")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=50, help="steps of APGD")
    parser.add_argument("--queries", type=int, default=500, help="queries of Square")
    parser.add_argument("--norms", nargs="+", default=["Linf", "L2"])
    parser.add_argument("--only", default="", help="only the attacks whose name contains this")
    arguments = parser.parse_args()
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    subject, facts = load(arguments)
    print(facts, flush=True)
    found: list[dict[str, Any]] = []
    budget = Budget(steps=arguments.steps, queries=arguments.queries, few=arguments.few)
    for norm in arguments.norms:
        for pair in pairs(subject, norm, STRENGTHS[facts["data"]][norm], budget):
            if arguments.only in pair.attack:
                found.append(measured(pair, arguments.seeds))
                print(" | ".join(row(found[-1])), flush=True)
                content = {"settings": vars(arguments), "facts": facts, "strengths": STRENGTHS[facts["data"]]}
                (out / "attack_agreement.json").write_text(json.dumps({**content, "rows": found}, indent=1) + "\n")
                (out / "attack_agreement.md").write_text(to_markdown(HEADERS, [row(one) for one in found]))


if __name__ == "__main__":
    main()

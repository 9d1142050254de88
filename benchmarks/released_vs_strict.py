"""How do scores of the released and the strict protocol differ, and how does that depend on the batch size?

Trains a small convolutional network on CIFAR-10 with PGD adversarial training (or not at all: --loss standard), then
measures both protocols on the same test images and writes `released_vs_strict.json` and `.md`. "raw" is the strict
protocol's PGD-20 alone, each strength on its own: against it, `released` differs in BatchNorm, has no random start and
keeps the last iterate, not the best.

    python benchmarks/released_vs_strict.py --root DIR --out runs/released-vs-strict

The defaults take about a quarter of an hour on one CPU core; --images 10000 --train-images 50000
--width 64 --epochs 30 is a sensible size on a GPU.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.data import DataConfig, load_data
from wsrnas.evaluation import Evaluation, evaluate
from wsrnas.evaluation.statistics import paired_difference
from wsrnas.evaluation.tables import to_markdown
from wsrnas.networks.normalize import Normalize
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.types import format_strength

STRENGTHS = "0,2/255,4/255,0.03,0.045,0.06,0.075,0.09,0.105,0.17,0.25"


def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def network(width: int, mean: tuple[float, ...], std: tuple[float, ...], classes: int) -> nn.Module:
    layers = [*block(3, width, 2), *block(width, 2 * width, 2), *block(2 * width, 4 * width, 2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, classes)]
    return nn.Sequential(Normalize(mean, std), *layers, *head)


def train(model: nn.Module, images: Tensor, labels: Tensor, arguments: argparse.Namespace) -> float:
    """PGD adversarial training with random shifts and mirroring; returns the seconds it took."""
    started, generator = time.perf_counter(), stream(arguments.seed, "train")
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = arguments.epochs * (len(labels) // arguments.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.1, total_steps=steps)
    attack = PGD(eps=arguments.eps, steps=arguments.attack_steps)
    for epoch in range(arguments.epochs):
        order, total = torch.randperm(len(labels), generator=generator), 0.0
        for rows in order.split(arguments.batch):
            if len(rows) < arguments.batch:
                continue
            batch, classes = augment(images[rows], generator).to(arguments.device), labels[rows].to(arguments.device)
            if arguments.loss == "pgd":
                model.eval()
                batch = attack.perturb(model, batch, classes, generator)
            model.train()
            optimiser.zero_grad()
            loss = functional.cross_entropy(model(batch), classes)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{arguments.epochs}: loss {total / (len(labels) // arguments.batch):.3f}", flush=True)
    model.eval()
    return time.perf_counter() - started


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    down, right, mirror = torch.randint(0, 9, (3,), generator=generator).tolist()
    padded = functional.pad(images, (4, 4, 4, 4))[:, :, down : down + 32, right : right + 32]
    return padded.flip(3) if mirror % 2 else padded


def table(strict: Evaluation, released: dict[int, Evaluation]) -> tuple[list[str], list[list[str]], list[dict]]:
    headers = ["strength", "strict %", "raw %", *[f"released, batch {size} %" for size in released]]
    headers += [f"difference, batch {size} [95 %]" for size in released]
    rows, values = [], []
    for k, strength in enumerate(strict.strengths):
        row = [format_strength(strength), f"{100 * strict.accuracy[k]:.1f}", f"{100 * strict.raw_accuracy[k]:.1f}"]
        entry: dict[str, Any] = {"strength": strength}
        entry.update(strict=strict.accuracy[k], strict_raw=strict.raw_accuracy[k], released={}, difference={})
        differences = []
        for size, result in released.items():
            row.append(f"{100 * result.accuracy[k]:.1f}")
            one = paired_difference(result.survives[:, k].tolist(), strict.survives[:, k].tolist())
            differences.append(f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]")
            entry["released"][size] = result.accuracy[k]
            entry["difference"][size] = {"value": one.value, "low": one.low, "high": one.high, "p": one.p_value}
        rows.append(row + differences)
        values.append(entry)
    return headers, rows, values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="folder with train.parquet and test.parquet of CIFAR-10")
    parser.add_argument("--out", default="runs/released-vs-strict")
    parser.add_argument("--loss", choices=("pgd", "standard"), default="pgd")
    parser.add_argument("--width", type=int, default=24, help="channels of the first stage")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--train-images", type=int, default=20000)
    parser.add_argument("--images", type=int, default=800, help="test images")
    parser.add_argument("--batch", type=int, default=100, help="training batch")
    parser.add_argument("--eps", type=float, default=0.031)
    parser.add_argument("--attack-steps", type=int, default=2)
    parser.add_argument("--strengths", default=STRENGTHS)
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 25, 50], help="batch sizes of released")
    parser.add_argument("--suite", default="fast", help="attacks of the strict protocol")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    limits = DataConfig(
        name="cifar10",
        root=arguments.root,
        valid_fraction=0.0,
        train_limit=arguments.train_images,
        test_limit=arguments.images,
    )
    data = load_data(limits, seed=arguments.seed)
    with fixed_global_seed(arguments.seed, "weights"):
        model = network(arguments.width, data.mean, data.std, data.num_classes).to(arguments.device)
    images, labels = data.train.fetch(torch.arange(len(data.train)))
    seconds = {"training": train(model, images, labels, arguments)}
    images, labels = data.test.fetch(torch.arange(len(data.test)))
    started = time.perf_counter()
    strict = evaluate(model, images, labels, arguments.strengths, suite=arguments.suite, progress=True)
    seconds["strict"] = time.perf_counter() - started
    released = {}
    for size in arguments.batches:
        started = time.perf_counter()
        released[size] = evaluate(
            model, images, labels, arguments.strengths, protocol="released", batch_size=size, progress=True
        )
        seconds[f"released, batch {size}"] = time.perf_counter() - started
    headers, rows, values = table(strict, released)
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    result = {"settings": vars(arguments), "torch": torch.__version__, "seconds": seconds, "strengths": values}
    (out / "released_vs_strict.json").write_text(json.dumps(result, indent=1) + "\n")
    text = to_markdown(headers, rows)
    (out / "released_vs_strict.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

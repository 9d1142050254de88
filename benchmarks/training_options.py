"""What is each option of the strong recipes worth, one at a time? An ablation on CIFAR-10 at reduced size.

Every option is put on top of the same plain training (PGD on small images, weight decay 5e-4, a rate that anneals to
nothing, ReLU, no moving average, no weight perturbation) or taken away from it, with the same seeds; `all` has all of
them. Scores are test accuracy, clean and nested over strengths, under PGD in evaluation mode. Writes
`training_options.json` and `.md` into --out, where every training is a run folder of its own: kill it, start it again,
and it goes on.

    python benchmarks/training_options.py --root ../shared/data/cifar10 --out runs/training-options

The defaults are a few minutes on one CPU core, too short and too small to decide anything but gross effects. With
--images 45000 --size 32 --width 64 --epochs 30 --test 10000 --steps 7 --seeds 3 it is a day on one GPU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from wsrnas.attacks import PGD
from wsrnas.data import DataConfig, load_data
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.tables import to_markdown
from wsrnas.files import read_json, write_atomic, write_json
from wsrnas.models import NamedNetwork, load_run
from wsrnas.parts import PartConfig
from wsrnas.runtime import RuntimeConfig
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.perturbation import PerturbationConfig
from wsrnas.training.train import train
from wsrnas.types import format_strength, parse_strengths

Change = Callable[[TrainConfig], TrainConfig]
GAMMA = 0.005


def optimiser(**changes: Any) -> Change:
    return lambda config: replace(config, optimizer=replace(config.optimizer, **changes))


def strong(config: TrainConfig) -> TrainConfig:
    perturbed = PerturbationConfig(gamma=GAMMA)
    faster = replace(config.optimizer, nesterov=True)
    return replace(config, activation="silu", ema=0.99, awp=perturbed, optimizer=faster)


OPTIONS: dict[str, Change] = {
    "plain": lambda config: config,
    "weight decay 1e-4": optimiser(weight_decay=1e-4),
    "no annealing": lambda config: replace(config, schedule=PartConfig(name="constant")),
    "step schedule": lambda config: replace(config, schedule=PartConfig(name="step")),
    "Nesterov": optimiser(nesterov=True),
    "moving average 0.99": lambda config: replace(config, ema=0.99),
    f"AWP {GAMMA}": lambda config: replace(config, awp=PerturbationConfig(gamma=GAMMA)),
    "SiLU": lambda config: replace(config, activation="silu"),
    "label smoothing 0.1": lambda config: replace(
        config, loss=replace(config.loss, settings={**config.loss.settings, "label_smoothing": 0.1})
    ),
    "all": strong,
}


def plain(arguments: argparse.Namespace, seed: int) -> TrainConfig:
    return TrainConfig(
        recipe="benchmark training_options",
        seed=seed,
        data=DataConfig(
            name="cifar10",
            root=arguments.root,
            image_size=arguments.size,
            valid_fraction=0.1,
            train_limit=arguments.images,
            valid_limit=min(arguments.images // 8, 2000),
            test_limit=arguments.test,
        ),
        loss=PartConfig(name="pgd", settings={"eps": arguments.eps, "steps": arguments.steps}),
        epochs=arguments.epochs,
        batch_size=arguments.batch,
        selection=SelectionConfig(by="last", every=arguments.epochs),
        runtime=RuntimeConfig(device=arguments.device, threads=1, channels_last=True),
    )


def measure(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and score one cell, or return what an earlier run of the same command wrote."""
    config = OPTIONS[name](plain(arguments, seed))
    path = Path(arguments.out) / f"{name.replace(' ', '-')}-seed{seed}"
    settings = json.loads(json.dumps({"config": asdict(config), "width": arguments.width}))
    known = read_json(path / "score.json")
    if known is not None and known["settings"] == settings:
        return known
    data = load_data(config.data, 0)
    sizes = {"num_classes": data.num_classes, "image_shape": data.image_shape, "mean": data.mean, "std": data.std}
    network = NamedNetwork(name="resnet-18", config={**sizes, "channels": arguments.width})
    started = time.process_time()
    result = train(config, network, path, data=data)
    seconds = time.process_time() - started
    images, labels = data.test.fetch(torch.arange(len(data.test)))
    strengths = [0.0, *parse_strengths(arguments.strengths)]
    attack = PGD(eps=strengths[-1], steps=arguments.score_steps, keep="best")
    score = evaluate(load_run(path), images, labels, strengths=strengths, attacks=[attack], seed=0)
    found = {
        "settings": settings,
        "accuracy": list(score.accuracy),
        "strengths": strengths,
        "images": len(labels),
        "cpu_seconds": round(seconds, 1),
        "learned_nothing": result.learned_nothing,
    }
    write_json(path / "score.json", found)
    return found


def summary(cells: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[list[str]]]:
    """Mean over seeds of every option, and how far it is from `plain` with the same seeds."""
    strengths = cells["plain"][0]["strengths"]
    names = ["clean" if strength == 0 else format_strength(strength) for strength in strengths]
    rows = []
    for option, found in cells.items():
        row = [option]
        for place in range(len(strengths)):
            values = [100 * one["accuracy"][place] for one in found]
            text = f"{statistics.fmean(values):.1f}"
            if option != "plain":
                apart = [v - 100 * one["accuracy"][place] for v, one in zip(values, cells["plain"])]
                spread = f" ± {statistics.stdev(apart):.1f}" if len(apart) > 1 else ""
                text += f" ({statistics.fmean(apart):+.1f}{spread})"
            elif len(values) > 1:
                text += f" ± {statistics.stdev(values):.1f}"
            row.append(text)
        rows.append([*row, f"{statistics.fmean(one['cpu_seconds'] for one in found):.0f}"])
    return ["option", *names, "CPU seconds"], rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="folder with CIFAR-10 as parquet files")
    parser.add_argument("--out", required=True)
    parser.add_argument("--options", default=",".join(OPTIONS), help="some of them, with commas between")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--images", type=int, default=1000, help="to train on")
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--size", type=int, default=16, help="pixels a side")
    parser.add_argument("--width", type=int, default=8, help="channels of the first stage of a ResNet-18")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--eps", default="8/255")
    parser.add_argument("--steps", type=int, default=3, help="PGD steps in training")
    parser.add_argument("--strengths", default="4/255,8/255,16/255")
    parser.add_argument("--score-steps", type=int, default=10, help="PGD steps of the scoring")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    chosen = ["plain", *(name for name in arguments.options.split(",") if name != "plain")]
    if unknown := [name for name in chosen if name not in OPTIONS]:
        parser.error(f"--options: expected some of {', '.join(OPTIONS)}, got {', '.join(unknown)}")
    cells: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    for seed in range(arguments.seeds):
        for name in chosen:
            cells[name].append(measure(name, seed, arguments))
            print(f"{name}, seed {seed}: {[round(value, 3) for value in cells[name][-1]['accuracy']]}", flush=True)
    headers, rows = summary(cells)
    out = Path(arguments.out)
    write_json(out / "training_options.json", {"arguments": vars(arguments), "cells": cells})
    note = (
        f"{arguments.seeds} seeds, {cells['plain'][0]['images']} test images; in brackets the difference from plain, "
    )
    table = to_markdown(headers, rows)
    write_atomic(out / "training_options.md", f"{table}\n\n{note}mean ± sd over seeds.\n")
    print(table)


if __name__ == "__main__":
    main()

"""A strict curve of six strengths beside AutoAttack run once per strength, on a small network trained for it."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import torch
from torch import nn

from wsrnas import rng
from wsrnas.data import DataConfig, load_data
from wsrnas.evaluation import evaluate
from wsrnas.runtime import Runtime
from wsrnas.studies.speed.pairs import Work
from wsrnas.studies.speed.peers import installed
from wsrnas.training.epoch import train_epoch
from wsrnas.training.losses import PGDTraining

STRENGTHS = (0.03, 0.06, 0.09, 0.12, 0.15, 0.18)


def trained_on_digits(
    runtime: Runtime, *, epochs: int = 4, images: int = 512
) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """Return a few convolutions trained with PGD-3 on the embedded digits, and the test images and labels."""
    data = load_data(DataConfig(name="digits", train_limit=images), 0)
    with rng.fixed_global_seed(0, "speed", "curve"):
        network = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, 10),
        )  # fmt: skip
    runtime.prepare(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    loss = PGDTraining(eps=0.1, steps=3)
    for epoch in range(epochs):
        batches = data.train.batches(32, generator=rng.stream(0, "speed", epoch), device=runtime.device)
        train_epoch(
            network,
            optimizer,
            loss,
            batches,
            runtime=runtime,
            generator_for=lambda step, epoch=epoch: rng.stream(0, "speed", epoch, step),  # type: ignore[misc]
        )
    images_, labels = data.test.fetch(torch.arange(len(data.test)))
    return network.eval(), images_, labels


def strict_curve(runtime: Runtime, left_out: list[str], *, images: int = 32, suite: str = "standard") -> Iterator[Work]:
    """Six strengths at once, every image's worst case, against pyautoattack's `standard` at each of them, once."""
    if installed("pyautoattack", "pyautoattack", left_out) is None:
        return
    network, pixels, labels = trained_on_digits(runtime)
    pixels, labels = pixels[:images], labels[:images]

    def ours() -> None:
        evaluate(network, pixels, labels, (0.0, *STRENGTHS), suite=suite)

    def theirs() -> None:
        from pyautoattack import AutoAttack

        logging.getLogger("pyautoattack").setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.random.fork_rng():
            warnings.simplefilter("ignore")
            for eps in STRENGTHS:
                attack = AutoAttack(network, norm="Linf", eps=eps, version="standard", device=runtime.device)
                attack.verbose = False
                attack.run_standard_evaluation(pixels.to(runtime.device), labels.to(runtime.device), batch_size=250)

    yield Work(phase="evaluation", against="pyautoattack", ours=ours, theirs=theirs, images=images, pairs=1)

"""Adversarially trained networks of different genotypes, made once and kept in the run folder."""

from __future__ import annotations

import torch
from torch import nn

from wsrnas import rng
from wsrnas.data import DataBundle
from wsrnas.models.network import SizeConfig, network_config
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.spaces import DartsSpace
from wsrnas.studies.noise.config import StudyConfig
from wsrnas.studies.parts import load, save
from wsrnas.training.epoch import train_epoch
from wsrnas.training.losses import FastAT, PGDTraining, TrainingLoss


def network(index: int, config: StudyConfig, data: DataBundle, runtime: Runtime, run: RunFolder) -> nn.Module:
    """Return network `index` of the study in eval mode, trained now or by an earlier run of the same command."""
    space = DartsSpace(nodes=config.nodes)
    genotype = space.sample(rng.stream(config.seed, "study", "genotype", index))
    size = network_config(SizeConfig(channels=config.channels, layers=config.layers), data)
    with rng.fixed_global_seed(config.seed, "study", "weights", index):
        model = runtime.prepare(space.build(genotype, size))
    name = f"network-{index}"
    saved = load(run, name)
    if saved is None:
        with run.timed("adversarial training"):
            accuracy = _train(model, index, config, data, runtime)
        save(run, name, {"weights": model.state_dict(), "id": genotype.id, "accuracy": accuracy})
    else:
        model.load_state_dict(saved["weights"])
    return model.eval()


def _train(model: nn.Module, index: int, config: StudyConfig, data: DataBundle, runtime: Runtime) -> float:
    loss: TrainingLoss = FastAT(eps=config.train_eps)
    if config.train_steps > 1:
        loss = PGDTraining(eps=config.train_eps, steps=config.train_steps)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=0.9, weight_decay=5e-4)
    steps = data.train.batch_count(config.batch_size, drop_last=True)
    total = steps * config.epochs
    accuracy = 0.0
    for epoch in range(config.epochs):
        order = rng.stream(config.seed, "study", "order", index, epoch)
        result = train_epoch(
            model,
            optimizer,
            loss,
            data.train.batches(config.batch_size, generator=order, augment=data.augment, drop_last=True),
            runtime=runtime,
            generator_for=lambda step: rng.stream(config.seed, "study", "attack", index, step, device=runtime.device),
            learning_rate=lambda step: config.learning_rate * (1 - step / total),
            first_step=epoch * steps,
        )
        accuracy = result.accuracy
    return accuracy

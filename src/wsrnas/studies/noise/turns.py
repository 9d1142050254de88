"""Table 5 as the paper describes it: φ trained for one epoch on networks that take turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wsrnas import rng
from wsrnas.data import DataBundle, load_data
from wsrnas.estimators.memory import NoiseMemory
from wsrnas.estimators.noise import NoiseEstimator, NoiseFit, fit_noise_estimator, noise_estimator, push_noise
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.studies.noise.candidates import KNOWN_THREE
from wsrnas.studies.noise.config import StudyConfig
from wsrnas.studies.noise.networks import network
from wsrnas.studies.noise.phi import noises_at, random_strength
from wsrnas.studies.parts import load, save
from wsrnas.types import Images, Labels, Noises

DESIGNS = {"A-ANE": "a-ane", "WA-ANE": "weighted-average", "E-ANE⁻": "e-ane-minus", "E-ANE": "e-ane"}
"""The lines of Table 5 and the estimators they are."""
NETWORKS, TURN = 7, 10
"""How many networks there are, and after how many batches the next one takes its turn."""
BATCH = 64


def run_turns(config: StudyConfig, out: str | Path) -> dict[str, Any]:
    """Train every learned φ for one epoch of D_t and measure all of them on the test images of seven networks.

    The networks change every ten batches. A batch is attacked at 0.03, 0.06, 0.09 and a random strength up to
    ``config.phi_highest``; each of the four noises is the label once and the others are what φ is given. On the test
    images the noises at 0.03, 0.06 and 0.09 are estimated in the same way, so none is known where it is estimated.

    Of `config` the sizes of networks, attacks and φ count; `train_networks`, `test_networks`, `phi_images` and
    `phi_passes` do not: there are seven networks, and one epoch.

    Source: Cheng et al., AAAI 2023, Table 5. What the noises given to φ are, the paper does not say; these are those of
    its released code.
    Differs from the paper: the seven networks are adversarially trained here and have random cells.
    Differs from the released code: noises are sorted by strength and projected to their balls; φ takes an optimiser
    step per left-out noise batch; test networks are in evaluation mode and all test images count; accuracy is over the
    three strengths and not over the random one.

    Returns:
        `natural`, `robust` (real PGD, mean over the three strengths) and each of `DESIGNS`: accuracies as fractions, a
        list with one entry per network; `images`.

    Raises:
        InputError: unusable data or folder.
    """
    runtime = Runtime()
    folder = RunFolder.open(out, kind="study", config={"study": "turns", **asdict(config)})
    try:
        data = load_data(config.data, config.seed)
        with progress("noise estimators in turns", 2 * NETWORKS + 1) as bar:
            models: list[nn.Module] = []
            for index in range(NETWORKS):
                models.append(network(index, config, data, runtime, folder))
                bar.advance(note=f"network {index} trained")
            estimators = _trained(models, config, data, runtime, folder)
            bar.advance(note="estimators trained")
            measured = []
            for index, model in enumerate(models):
                name = f"networks/{index}.json"
                one = folder.read_json(name)
                if one is None:
                    with folder.timed("measuring"):
                        one = _measured(index, model, estimators, config, data, runtime)
                    folder.write_json(name, one)
                measured.append(one)
                bar.advance(note=f"network {index} measured")
        result: dict[str, Any] = {key: [one[key] for one in measured] for key in ("natural", "robust", *DESIGNS)}
        result["images"] = len(data.test)
        folder.write_json("study.json", result)
        return result
    finally:
        folder.close()


def _estimators(config: StudyConfig, data: DataBundle) -> dict[str, NoiseEstimator]:
    """Return all designs as printed, untrained."""
    found = {}
    for title, name in DESIGNS.items():
        own = {"weights": "paper"} if name == "weighted-average" else {"form": "printed", **config.sizes(name)}
        found[title] = noise_estimator(name, image_shape=data.image_shape, seed=config.seed, **own)
    return found


def _trained(
    models: Sequence[nn.Module], config: StudyConfig, data: DataBundle, runtime: Runtime, folder: RunFolder
) -> dict[str, NoiseEstimator]:
    """Return all designs after one epoch in which the networks take turns, trained now or by an earlier run."""
    estimators = {title: runtime.prepare(one) for title, one in _estimators(config, data).items()}
    learned = {title: one for title, one in estimators.items() if one.needs_training}
    saved = load(folder, "estimators")
    if saved is not None:
        for title, one in learned.items():
            one.load_state_dict(saved[title])
        return {title: one.eval() for title, one in estimators.items()}
    fits = {title: NoiseFit(learning_rate=config.phi_rate).optimizer(one) for title, one in learned.items()}
    draw = rng.stream(config.seed, "turns", "strength")
    order = rng.stream(config.seed, "turns", "order")
    batches = data.train.batches(config.phi_batch, generator=order, augment=data.augment, drop_last=True)
    with folder.timed("training φ"):
        for step, (images, labels) in enumerate(batches):
            images, labels = runtime.images(images), labels.to(runtime.device)
            strengths = (*KNOWN_THREE, random_strength(config, draw))
            noises = _attacked(models[step // TURN % NETWORKS], images, labels, strengths, config)
            memory = NoiseMemory(len(images) * len(strengths))
            push_noise(memory, images, noises, torch.tensor(strengths))
            for title, one in learned.items():
                optimizer, schedule = fits[title]
                fit_noise_estimator(
                    one,
                    memory,
                    optimizer,
                    schedule=schedule,
                    passes=1,
                    batch_size=len(images),
                    generator=rng.stream(config.seed, "turns", "shuffle", step),
                )
    save(folder, "estimators", {title: one.state_dict() for title, one in learned.items()})
    return {title: one.eval() for title, one in estimators.items()}


@torch.no_grad()
def _measured(
    index: int,
    model: nn.Module,
    estimators: dict[str, NoiseEstimator],
    config: StudyConfig,
    data: DataBundle,
    runtime: Runtime,
) -> dict[str, float]:
    """Return the accuracy of one network without noise, under the real attacks and under every design's noises."""
    correct = dict.fromkeys(("natural", "robust", *estimators), 0.0)
    draw = rng.stream(config.seed, "turns", "test strength", index)
    for images, labels in data.test.batches(BATCH):
        images, labels = runtime.images(images), labels.to(runtime.device)
        strengths = (*KNOWN_THREE, random_strength(config, draw))
        with torch.enable_grad():
            noises = _attacked(model, images, labels, strengths, config)
        correct["natural"] += _right(model, images, labels)
        for place, strength in enumerate(KNOWN_THREE):
            correct["robust"] += _right(model, images + noises[:, place], labels) / len(KNOWN_THREE)
            others = sorted((one for one in range(len(strengths)) if one != place), key=strengths.__getitem__)
            given, wanted = noises[:, others], torch.tensor([strength])
            known = torch.tensor([strengths[other] for other in others])
            for title, one in estimators.items():
                noise_hat = one(images, given, known, wanted)[:, 0]
                correct[title] += _right(model, images + noise_hat, labels) / len(KNOWN_THREE)
    return {key: value / len(data.test) for key, value in correct.items()}


def _attacked(
    model: nn.Module, images: Images, labels: Labels, strengths: Sequence[float], config: StudyConfig
) -> Noises:
    return noises_at(model, images, labels, strengths, config.attack_steps)


def _right(model: nn.Module, images: Images, labels: Labels) -> float:
    return float((model(images).argmax(1) == labels).sum())

"""The data, sizes and short trainings of the studies that train networks alone, by scale."""

from __future__ import annotations

from dataclasses import replace

from wsrnas.data import DataConfig
from wsrnas.errors import nearest, refuse
from wsrnas.runtime import RuntimeConfig
from wsrnas.search.base import Budget
from wsrnas.search.config import MeasureConfig, RivalsConfig, SearchConfig, SpaceConfig, TrainingConfig
from wsrnas.search.labels import LabelsConfig
from wsrnas.search.spectrum import SpectrumConfig

SCALES = ("smoke", "small", "paper")
SIZES = {
    "smoke": {"darts": (2, 3), "nb201": (4, 1), "stages": (2, 1)},
    "small": {"darts": (4, 3), "nb201": (8, 1), "stages": (4, 1)},
    "paper": {"darts": (16, 8), "nb201": (16, 5), "stages": (16, 1)},
}
"""Channels and layers of the networks of each space."""
TRAININGS = {"darts": (6, 32), "nb201": (8, 32), "stages": (16, 64)}
"""Epochs and batch size of a short training on the digits: what each space needs to learn, and costs least."""


def trained_search(scale: str, space: str, *, root: str | None = None, seed: int = 0) -> SearchConfig:
    """Return a search whose labels are short trainings alone, at a scale, on the digits or on CIFAR-10.

    ``smoke`` is for tests; ``small`` takes hours on two cores (digits, or CIFAR-10 at 16×16 with a data root);
    ``paper`` is CIFAR-10 on a GPU.

    Raises:
        InputError: no such scale or space, or no data root at the scale ``paper``.
    """
    if scale not in SCALES:
        refuse("--scale", expected=" | ".join(SCALES), got=scale, remedy=nearest(scale, SCALES))
    if space not in SIZES[scale]:
        refuse(
            "--space", expected=" or ".join(SIZES[scale]), got=repr(space), remedy=nearest(space, list(SIZES[scale]))
        )
    channels, layers = SIZES[scale][space]
    sizes = SpaceConfig(name=space, channels=channels, layers=layers)
    common = SearchConfig(recipe="study", seed=seed, evaluator="trained", space=sizes)
    if scale == "smoke":
        return replace(
            common,
            data=DataConfig(name="digits", train_limit=64, valid_limit=48, test_limit=48),
            spectrum=SpectrumConfig(strengths=[0.05, 0.1]),
            training=TrainingConfig(strength=0.1, steps=1, step_ratio=1.25, batch_size=32),
            labels=LabelsConfig(epochs=1),
            measure=MeasureConfig(images=48, batch_size=48),
            budget=Budget(population=2, iterations=1),
            rivals=RivalsConfig(attack_steps=2),
        )
    if scale == "paper":
        return replace(
            common,
            data=DataConfig(name="cifar10", root=root),
            training=TrainingConfig(strength=0.03, steps=3, batch_size=128),
            labels=LabelsConfig(epochs=20),
            measure=MeasureConfig(images=5000, batch_size=500),
            budget=Budget(population=30, iterations=70),
            rivals=RivalsConfig(attack_steps=20),
            runtime=RuntimeConfig(precision="bf16-mixed", channels_last=True),
        )
    epochs, batch_size = TRAININGS[space]
    if root is None:
        return replace(
            common,
            data=DataConfig(name="digits"),
            spectrum=SpectrumConfig(strengths=[0.05, 0.1125, 0.175]),
            training=TrainingConfig(strength=0.1, steps=1, step_ratio=1.25, batch_size=batch_size),
            labels=LabelsConfig(epochs=epochs),
            measure=MeasureConfig(images=360, batch_size=180),
            budget=Budget(population=6, iterations=6),
            rivals=RivalsConfig(attack_steps=5),
        )
    return replace(
        common,
        data=DataConfig(name="cifar10", root=root, image_size=16, train_limit=2048, valid_limit=500, test_limit=1000),
        spectrum=SpectrumConfig(strengths=[0.01, 0.03, 0.06]),
        training=TrainingConfig(strength=0.03, steps=1, step_ratio=1.25, batch_size=64),
        labels=LabelsConfig(epochs=8),
        measure=MeasureConfig(images=500, batch_size=250),
        budget=Budget(population=6, iterations=6),
        rivals=RivalsConfig(attack_steps=5),
    )

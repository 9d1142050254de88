"""How seconds and memory grow with images, strengths, cells, channels and image size: measured and fitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from wsrnas import rng
from wsrnas.files import check_writable, write_json
from wsrnas.progress import progress
from wsrnas.search.evaluators.measure import real_noises
from wsrnas.spaces.base import NetworkConfig
from wsrnas.studies.speed.pairs import peak_memory, seconds
from wsrnas.studies.speed.subject import CLASSES, Subject

FACTORS = (0.5, 1.0, 2.0)
"""Every size is measured at these multiples of the recipe's."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What one measurement attacks: so many images of H×H pixels, at so many strengths, on a network of this size."""

    images: int
    strengths: int
    cells: int
    channels: int
    image_size: int

    def scaled(self, axis: str, factor: float) -> Size:
        """Return the same with one number multiplied, and at least 1."""
        values = {**vars(self), axis: max(1, round(getattr(self, axis) * factor))}
        return Size(**values)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Seconds and memory at the values of one number; the exponents fit y = a·x^b (least squares)."""

    axis: str
    values: tuple[int, ...]
    seconds: tuple[float, ...]
    memory_mib: tuple[float | None, ...]
    exponent: float
    memory_exponent: float | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


def fitted_exponent(values: Sequence[int | float], measured: Sequence[int | float]) -> float:
    """Return b of y = a·x^b, the slope of log y over log x by least squares."""
    x, y = [math.log(value) for value in values], [math.log(value) for value in measured]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - middle_x) ** 2 for one in x)
    return sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y)) / spread


def work(subject: Subject, size: Size) -> Callable[[], object]:
    """Return an attack of so many images at so many strengths on a sampled sub-network of this size."""
    channels = subject.data.image_shape[0]
    shape = (channels, size.image_size, size.image_size)
    space, runtime = subject.evaluator.space, subject.runtime
    sizes = NetworkConfig(channels=size.channels, layers=size.cells, num_classes=CLASSES, image_shape=shape)
    with rng.fixed_global_seed(0, "growth"):
        supernet = runtime.prepare(space.supernet(sizes))
    network = supernet.at(subject.architecture.choice)
    generator = rng.stream(0, "growth", "images")
    images = runtime.images(torch.rand(size.images, *shape, generator=generator))
    labels = torch.randint(0, CLASSES, (size.images,), generator=generator).to(runtime.device)
    strengths = [0.03 * (1 + index) / size.strengths for index in range(size.strengths)]
    return lambda: real_noises(network, images, labels, strengths, subject.evaluator.attack, runtime)


def run(
    *,
    device: str = "cpu",
    recipe: str = "cifar10-small",
    repeats: int = 3,
    json_path: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    factors: Sequence[float] = FACTORS,
) -> list[Growth]:
    """Measure every number at multiples of the recipe's, the sizes taking turns; print and return how each grows.

    Raises:
        InputError: an unknown recipe or device.
    """
    check_writable(json_path, argument="--json")
    subject = Subject.of(recipe, device=device, batches=1, settings=settings)
    config, where = subject.config, subject.runtime.device
    base = Size(
        images=config.training.batch_size,
        strengths=len(subject.evaluator.spectrum.strengths),
        cells=config.space.layers,
        channels=config.space.channels,
        image_size=subject.data.image_shape[1],
    )
    axes, found = tuple(vars(base)), list[Growth]()
    with progress("bench growth", len(axes)) as bar:
        for axis in axes:
            sizes = list(dict.fromkeys(base.scaled(axis, factor) for factor in factors))
            jobs = [work(subject, size) for size in sizes]
            memory = [peak_memory(job, where) for job in jobs]
            turns = [[seconds(job, where) for job in jobs] for _ in range(repeats)]
            best = tuple(min(column) for column in zip(*turns))
            values = tuple(getattr(size, axis) for size in sizes)
            found.append(_growth(axis, values, best, memory))
            bar.advance(note=axis)
    print(table(found, base, where))
    if json_path is not None:
        rows = [one.to_json() for one in found]
        write_json(Path(json_path), {"device": where.type, "recipe": config.recipe, "base": vars(base), "rows": rows})
    return found


def _growth(axis: str, values: tuple[int, ...], best: tuple[float, ...], memory: Sequence[float | None]) -> Growth:
    known = [one for one in memory if one]
    several = len(values) > 1
    return Growth(
        axis=axis,
        values=values,
        seconds=best,
        memory_mib=tuple(memory),
        exponent=fitted_exponent(values, best) if several else math.nan,
        memory_exponent=fitted_exponent(values, known) if several and len(known) == len(values) else None,
    )


def table(found: Sequence[Growth], base: Size, device: torch.device) -> str:
    """Return what was measured, at most 80 columns wide."""
    shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in vars(base).items())
    lines = [f"an attack on {device.type}, one number at a time changed:", shown, ""]
    lines.append(f"{'number':<12}{'at':<14}{'seconds':<22}{'exp.':>6}  {'MiB':<16}{'exp.':>6}")
    for one in found:
        at, spent = "/".join(map(str, one.values)), "/".join(f"{value:.3g}" for value in one.seconds)
        mib = "/".join("-" if value is None else f"{value:.0f}" for value in one.memory_mib)
        memory = "-" if one.memory_exponent is None else f"{one.memory_exponent:.2f}"
        lines.append(f"{one.axis.replace('_', ' '):<12}{at:<14}{spent:<22}{one.exponent:>6.2f}  {mib:<16}{memory:>6}")
    return "\n".join([*lines, "", "exp.: b of y = a·x^b, fitted; the least of the repeats that took turns"])

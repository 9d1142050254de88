"""`bench speed`: every phase in pairs, a table for people and the same as JSON."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from wsrnas.errors import at_least, nearest, refuse
from wsrnas.files import check_writable, write_json
from wsrnas.progress import progress
from wsrnas.studies.speed import curve, peers, phases
from wsrnas.studies.speed.pairs import Row, Work, measured, peak_flops
from wsrnas.studies.speed.subject import Subject

Maker = Callable[[Subject, list[str]], Iterator[Work]]


def _ours(make: Callable[[Subject], Iterator[Work]]) -> Maker:
    return lambda subject, left_out: make(subject)


def _pgd(subject: Subject, left_out: list[str], *, steps: int) -> Iterator[Work]:
    yield from phases.pgd(subject, steps)
    yield from peers.peers_of_pgd(f"pgd-{steps}", subject.plain, subject.fast, subject, steps, left_out)


def _resnet(subject: Subject, left_out: list[str], *, steps: int) -> Iterator[Work]:
    yield from peers.pgd_on_resnet(subject, steps, left_out)


PHASES: dict[str, Maker] = {
    "training": _ours(phases.training),
    "noise-data": _ours(phases.noise_data),
    "measuring": _ours(phases.measuring),
    "estimators": _ours(phases.estimators),
    "update": _ours(phases.update),
    "iteration": _ours(phases.iteration),
    "pgd-7": partial(_pgd, steps=7),
    "pgd-20": partial(_pgd, steps=20),
    "pgd-7-resnet18": partial(_resnet, steps=7),
    "pgd-20-resnet18": partial(_resnet, steps=20),
    "epoch": _ours(phases.epoch),
    "evaluation": lambda subject, left_out: curve.strict_curve(subject.runtime, left_out),
}
"""Every phase by name, in the order it is measured."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What `bench speed` measured, and how."""

    device: str
    rows: list[Row]
    left_out: list[str] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        rows = [row.to_json() for row in self.rows]
        return {"device": self.device, "rows": rows, "left_out": self.left_out, "conditions": self.conditions}

    def __str__(self) -> str:
        """Return the table, at most 80 columns wide."""
        head = f"{'phase':<16}{'against':<14}{'times faster':>20}{'images/s':>10}{'passes':>7}{'peak':>6}{'MiB':>7}"
        lines = [self._where(), "", head, *map(_line, self.rows), ""]
        said = [f"note: {sentence}" for sentence in self.left_out]
        return "\n".join([*lines, *(textwrap.fill(one, 80) for one in (*said, NOTE))])

    def _where(self) -> str:
        known = self.conditions
        return (
            f"{known['recipe']}: {known['channels']} channels, {known['layers']} cells, {known['image']} images, "
            f"batch {known['batch_size']}\n{self.device}, {known['threads']} threads, "
            f"measured peak {known['peak_flops'] / 1e9:.0f} GFLOP/s"
        )


NOTE = (
    "times faster: the other's seconds over ours, median (lowest-highest) of pairs that take turns. passes: of the "
    "network per image, forward and backward one each. peak: share of the measured peak. On a busy machine only the "
    "ratios hold."
)


def run(
    *,
    device: str = "cpu",
    recipe: str = "cifar10-small",
    chosen: Sequence[str] | None = None,
    pairs: int = 5,
    batches: int = 1,
    json_path: str | Path | None = None,
    settings: dict[str, Any] | None = None,
) -> Speed:
    """Measure the chosen phases (default: all), print them and write them.

    Args:
        device: cpu, cuda or auto.
        recipe: of a search, whose sizes and settings are timed.
        chosen: some of `PHASES`.
        pairs: how often each of two ways is done after warming up.
        batches: images of an epoch and of a measurement, in batches.
        json_path: file for the result.
        settings: of the search, over the recipe's.

    Raises:
        InputError: an unknown phase, recipe or device.
    """
    at_least(1, **{"--pairs": pairs, "--batches": batches})
    names = tuple(PHASES) if chosen is None else tuple(chosen)
    for name in names:
        if name not in PHASES:
            refuse("--phases", expected="phases of `wsrnas bench speed`", got=name, remedy=nearest(name, tuple(PHASES)))
    check_writable(json_path, argument="--json")
    subject = Subject.of(recipe, device=device, batches=batches, settings=settings)
    where = subject.runtime.device
    peak, rows, left_out = peak_flops(where), list[Row](), list[str]()
    with progress("bench speed", len(names)) as bar:
        for name in names:
            rows += [measured(work, pairs=pairs, peak=peak, device=where) for work in PHASES[name](subject, left_out)]
            bar.advance(note=name)
    found = Speed(
        device=where.type, rows=rows, left_out=left_out, conditions=_conditions(subject, peak, pairs, batches)
    )
    print(found)
    if json_path is not None:
        write_json(Path(json_path), found.to_json())
    return found


def _conditions(subject: Subject, peak: float, pairs: int, batches: int) -> dict[str, Any]:
    config = subject.config
    return {
        "recipe": config.recipe,
        "channels": config.space.channels,
        "layers": config.space.layers,
        "image": "x".join(map(str, subject.data.image_shape)),
        "batch_size": config.training.batch_size,
        "pairs": pairs,
        "batches": batches,
        "threads": torch.get_num_threads(),
        "channels_last": config.runtime.channels_last,
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "peak_flops": peak,
    }


def _line(row: Row) -> str:
    low, middle, high = row.ratio
    times = f"{middle:.2f} ({low:.2f}-{high:.2f})"
    return (
        f"{row.phase:<16}{row.against:<14}{times:>20}"
        f"{_shown(row.images_per_second, '.0f'):>10}{_shown(row.passes_per_image, '.0f'):>7}"
        f"{_shown(row.share_of_peak, '.0%'):>6}{_shown(row.memory_mib, '.0f'):>7}"
    )


def _shown(value: int | float | None, form: str) -> str:
    return "-" if value is None else format(value, form)

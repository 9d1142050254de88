"""From a configuration and a seed to the data of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wsrnas.data.assign import Assigned, assign, check_classes
from wsrnas.data.augment import AUGMENTS, Augment
from wsrnas.data.classes import NetworkClasses
from wsrnas.data.config import DataConfig
from wsrnas.data.memory import MemorySplit
from wsrnas.data.partition import Rows, divide, limit
from wsrnas.data.pixels import Reader, fit_reader
from wsrnas.data.repeated import repeated
from wsrnas.data.sources.base import Source, Sources
from wsrnas.data.sources.locate import open_sources
from wsrnas.data.split import DataBundle, Split
from wsrnas.data.workers import WorkerSplit
from wsrnas.errors import refuse
from wsrnas.rng import stream

TEST_SEED = 0
TEST_SHARE = 0.2


def load_data(
    config: DataConfig, seed: int = 0, *, classes: NetworkClasses | None = None, scored: bool = False
) -> DataBundle:
    """Read the labels and divide them by class with the seed; images are read when a part is first asked for.

    Data without a test part of its own gives a fifth of every class to it, always the same, whatever the seed.

    Args:
        config: which data.
        seed: of the division into D_t and D_v.
        classes: the classes of the network that the data is for, where there is one already: labels become its
            numbers (`wsrnas.data.classes.align` says how). Such data is scored.
        scored: the images are to be scored only, not trained on: a test part alone is enough, classes may be missing,
            and limits that D_t and D_v are too small for do not count.

    Raises:
        InputError: anything wrong with the data or its configuration, in one sentence with the remedy; above all
            classes that the network does not have.
    """
    scored = scored or classes is not None
    sources = open_sources(config, classes, scored=scored)
    known = assign(sources.train, config.named, classes)
    check_classes(known, config, carved=sources.test is None, scored=scored)
    parts = divide_rows(known.labels, sources, config, seed, scored=scored)
    notes = [*sources.notes, *sources.train.notes, *known.notes]
    if sources.test is None:
        notes.append(f"no test part: a fixed fifth of every class ({len(parts.test)} images) is the test set")
    reader = fit_reader(sources.train, int(parts.train[0]) if len(parts.train) else 0, config)
    in_memory = fits(config, reader, len(parts.train) + len(parts.valid) or len(sources.train))

    def load_part(part: str) -> Split:
        if part == "test":
            return load_test(reader, sources, known, parts, config, classes, in_memory)
        if sources.test_only:
            expected, remedy = f"a training part beside {sources.train.title}", "add one: this data can only be scored"
            refuse("data.root", expected=expected, got="none", remedy=remedy)
        return make_split(reader, known.labels, parts.train if part == "train" else parts.valid, config, in_memory)

    return DataBundle(
        name=config.name,
        class_names=known.names,
        class_order=known.order,
        image_shape=reader.shape,
        augment=choose_augment(config),
        load_part=load_part,
        data_notes=tuple(notes),
    )


@dataclass(frozen=True, eq=False)
class PartRows:
    """Rows of D_t and D_v, all rows that might have been trained on, and those of a carved test set."""

    train: Rows
    valid: Rows
    trained: Rows
    test: Rows


def divide_rows(labels: Tensor, sources: Sources, config: DataConfig, seed: int, *, scored: bool) -> PartRows:
    """Divide the training images by class with the seed, after carving the test set where there is none."""
    rows = torch.arange(0 if sources.test_only else len(labels))
    test = rows[:0]
    if sources.test is None:
        rows, test = divide(labels, rows, TEST_SHARE, stream(TEST_SEED, "data", "test part"))
    held = divide(labels, rows, config.valid_fraction, stream(seed, "data", "split"))
    limited = []
    for part, name, members in zip(("train", "valid"), ("D_t", "D_v"), held):
        count: int | None = getattr(config, f"{part}_limit")
        if scored and count is not None and not len(labels[members].unique()) <= count <= len(members):
            count = None
        draw = stream(seed, "data", part)
        limited.append(limit(labels, members, count, draw, field=f"data.{part}_limit", part=name))
    return PartRows(train=limited[0], valid=limited[1], trained=rows, test=test)


def load_test(
    reader: Reader,
    sources: Sources,
    known: Assigned,
    parts: PartRows,
    config: DataConfig,
    classes: NetworkClasses | None,
    in_memory: bool,
) -> Split:
    """Return the test set, its labels numbered as the training set's, or as the network's."""
    own, found, rows = reader.source, known, parts.test
    notes: tuple[str, ...] = ()
    if sources.test is not None:
        own = sources.test()
        found, rows = assign_test(own, known, config, classes), torch.arange(len(own))
        notes = (*own.notes, *found.notes)
    # In random order, so that a batch in order is no batch of one class.
    rows = rows[torch.randperm(len(rows), generator=stream(TEST_SEED, "data", "test order"))]
    draw = stream(TEST_SEED, "data", "test limit")
    rows = limit(found.labels, rows, config.test_limit, draw, field="data.test_limit", part="the test set")
    split = make_split(replace(reader, source=own), found.labels, rows, config, in_memory)
    copies = repeated(reader.source, parts.trained.tolist(), own, rows.tolist())
    if copies is None:
        notes += ("copies of test images in the training set were not looked for: there are too many images",)
    elif copies:
        notes += (f"{copies} of {len(rows)} test images are in the training set too, byte for byte",)
    split.notes = notes
    return split


def assign_test(own: Source, known: Assigned, config: DataConfig, classes: NetworkClasses | None) -> Assigned:
    """Number the labels of the test images by the network's names, else as the training images are numbered."""
    numbers = tuple(str(number) for number in range(len(known.names)))
    if classes is not None and (classes.names is not None or known.names == numbers):
        return assign(own, config.named, classes)
    target = NetworkClasses(count=len(known.names), names=known.names)
    return assign(own, config.named, target, whose="the training set")


def fits(config: DataConfig, reader: Reader, count: int) -> bool:
    """Decide whether images are kept decoded in memory."""
    if config.pipeline != "auto":
        return config.pipeline == "memory"
    channels, height, width = reader.shape
    return count * channels * height * width <= config.memory_bytes


def make_split(reader: Reader, labels: Tensor, rows: Tensor, config: DataConfig, in_memory: bool) -> Split:
    """Return the images at some rows as a split."""
    if in_memory:
        return MemorySplit(reader.read(rows.tolist()), labels[rows], rows)
    return WorkerSplit(reader, labels[rows], rows, config.worker_count)


def choose_augment(config: DataConfig) -> Augment | None:
    """Return the configured augmentation; auto is the data set's own, or shifts where nothing is known of it."""
    if config.augment != "auto":
        return AUGMENTS[config.augment]
    return AUGMENTS[config.known.augment if config.known else "shift"]

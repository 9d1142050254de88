"""From a configuration and a seed to the data of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from wsrnas.data.augment import AUGMENTS, Augment
from wsrnas.data.config import DataConfig
from wsrnas.data.digits import digits
from wsrnas.data.folder import VALIDATION_NAMES, check_root, folder
from wsrnas.data.hub import find_parquet, hub, parquet
from wsrnas.data.memory import MemorySplit
from wsrnas.data.partition import divide, limit
from wsrnas.data.pixels import Reader, fit_reader
from wsrnas.data.source import Source, Sources
from wsrnas.data.split import DataBundle, Split
from wsrnas.data.workers import WorkerSplit
from wsrnas.errors import refuse
from wsrnas.rng import stream

TEST_SEED = 0
TEST_SHARE = 0.2


def load_data(config: DataConfig, seed: int = 0) -> DataBundle:
    """Read the labels and divide them by class with the seed; images are read when a part is first asked for.

    Data without a test part of its own gives a fifth of every class to it, always the same, whatever the seed.

    Raises:
        InputError: anything wrong with the data or its configuration, in one sentence with the remedy.
    """
    sources = open_sources(config)
    source, labels = sources.train, sources.train.labels
    check_classes(source, config, carved=sources.test is None)
    everything = torch.arange(len(source))
    test_rows = everything[:0]
    if sources.test is None:
        everything, test_rows = divide(labels, everything, TEST_SHARE, stream(TEST_SEED, "data", "test part"))
    train_rows, valid_rows = divide(labels, everything, config.valid_fraction, stream(seed, "data", "split"))
    limits = (("train", "D_t", config.train_limit), ("valid", "D_v", config.valid_limit))
    train_rows, valid_rows = (
        limit(labels, rows, count, stream(seed, "data", part), field=f"data.{part}_limit", part=name)
        for (part, name, count), rows in zip(limits, (train_rows, valid_rows))
    )
    reader = fit_reader(source, int(train_rows[0]), config)
    in_memory = fits(config, reader, len(train_rows) + len(valid_rows))

    def load_part(part: str) -> Split:
        if part == "train":
            return make_split(reader, train_rows, config, in_memory)
        if part == "valid":
            return make_split(reader, valid_rows, config, in_memory)
        own = source if sources.test is None else sources.test()
        rows = test_rows if sources.test is None else torch.arange(len(own))
        # In random order, so that a batch in order is no batch of one class.
        rows = rows[torch.randperm(len(rows), generator=stream(TEST_SEED, "data", "test order"))]
        draw = stream(TEST_SEED, "data", "test limit")
        rows = limit(own.labels, rows, config.test_limit, draw, field="data.test_limit", part="the test set")
        return make_split(replace(reader, source=own), rows, config, in_memory)

    return DataBundle(
        name=config.name,
        classes=source.classes,
        image_shape=reader.shape,
        augment=choose_augment(config),
        load_part=load_part,
    )


def open_sources(config: DataConfig) -> Sources:
    """Return where the configured data comes from; only labels are read."""
    if config.name == "digits":
        return digits()
    if config.root is None:
        return hub(config)
    root: Path = check_root(config.root)
    if config.name == "folder" or (config.name != "parquet" and find_parquet(root, config) is None and root.is_dir()):
        labelled_test = config.known is None or config.known.test_split != "validation"
        return folder(root) if labelled_test else folder(root, VALIDATION_NAMES)
    return parquet(root, config)


def check_classes(source: Source, config: DataConfig, *, carved: bool) -> None:
    """Refuse a single class, and classes too small for every part to get an image."""
    if len(source.classes) < 2:
        got = f"1 ({source.classes[0]})" if source.classes else "none"
        refuse("data", expected="at least 2 classes", got=got, remedy="add images of another class")
    least = 1 + (config.valid_fraction > 0) + carved
    counts = torch.bincount(source.labels, minlength=len(source.classes)).tolist()
    small = min(range(len(counts)), key=counts.__getitem__)
    if counts[small] < least:
        parts = ", ".join(["D_t"] + ["D_v"] * (config.valid_fraction > 0) + ["the test set"] * carved)
        expected = f"at least {least} training images of every class, one each for {parts}"
        got = f"{counts[small]} of class {source.classes[small]!r}"
        refuse("data", expected=expected, got=got, remedy="add images or remove the class")


def fits(config: DataConfig, reader: Reader, count: int) -> bool:
    """Decide whether images are kept decoded in memory."""
    if config.pipeline != "auto":
        return config.pipeline == "memory"
    channels, height, width = reader.shape
    return count * channels * height * width <= config.memory_bytes


def make_split(reader: Reader, rows: Tensor, config: DataConfig, in_memory: bool) -> Split:
    """Return the images at some rows as a split."""
    labels = reader.source.labels[rows]
    if in_memory:
        return MemorySplit(reader.read(rows.tolist()), labels, rows)
    return WorkerSplit(reader, labels, rows, config.worker_count)


def choose_augment(config: DataConfig) -> Augment | None:
    """Return the configured augmentation; auto is the data set's own, or shifts where nothing is known of it."""
    if config.augment != "auto":
        return AUGMENTS[config.augment]
    return AUGMENTS[config.known.augment if config.known else "shift"]

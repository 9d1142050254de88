"""Hugging Face data sets, from the hub by id."""

from __future__ import annotations

from typing import Any

from wsrnas.data.config import DataConfig
from wsrnas.data.sources.base import Source, Sources
from wsrnas.data.sources.layout import TESTS, find_splits
from wsrnas.data.sources.table import table_source
from wsrnas.errors import InputError, refuse


def hub(config: DataConfig) -> Sources:
    """Load a data set by its hub id; a local folder that `datasets` can load is an id too.

    Hugging Face may download all splits at once into its cache; no row of the test split is looked at before it is
    asked for.

    Raises:
        InputError: the hub cannot be reached, or has no such data set or training split.
    """
    known = config.known
    name = known.hub_id if known else config.name
    subset = config.subset or (known.subset if known else None)
    builder = _prepare(name, subset, config)
    sizes = {str(split): info.num_examples for split, info in builder.info.splits.items()}
    roles = next(iter(find_splits(sizes)), {})
    trained = "train" if "train" in sizes else roles.get("train", [None])[0]
    if trained is None:
        remedy = "name another data set with --data.name or --data.subset"
        refuse("data.name", expected=f"a split named train in {name}", got=", ".join(sizes), remedy=remedy)
    train = table_source(builder.as_dataset(split=trained).data.table, config, f"{name} {trained}")
    own = (known.test_split,) if known and known.test_split else ()
    wanted = own or [
        split for role in TESTS for split in sorted(roles.get(role, ()), key=lambda split: split != "test")
    ]
    found = [split for split in wanted if split in sizes]
    unused = [split for split in sizes if split not in (trained, *found[:1])]
    notes = tuple(f"split {split} ({sizes[split]} images) of {name} is not used" for split in unused)
    if not found:
        return Sources(train, None, notes=notes)

    def test() -> Source:
        return table_source(builder.as_dataset(split=found[0]).data.table, config, f"{name} {found[0]}")

    return Sources(train, test, notes=notes)


def _prepare(name: str, subset: str | None, config: DataConfig) -> Any:
    """Download a data set into Hugging Face's cache, unless it is there, and return its builder."""
    import datasets

    try:
        builder = datasets.load_dataset_builder(name, subset, cache_dir=config.cache_dir)
        builder.download_and_prepare()
    # Network libraries raise whatever they like; the reason is passed on in one sentence, the rest as its cause.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        message = (
            f"data.name: expected a data set that loads from the Hugging Face hub, got {name} ({reason}); connect to "
            "the network, check --data.name and --data.subset and your access, or read a local copy with --data.root"
        )
        raise InputError(message) from error
    return builder

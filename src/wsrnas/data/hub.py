"""Hugging Face data sets: from the hub by id, or from parquet files that lie here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsrnas.data.config import DataConfig
from wsrnas.data.source import Source, Sources
from wsrnas.data.table import choose_columns, table_source
from wsrnas.errors import InputError, refuse

TEST_SPLITS = ("test", "validation", "valid", "val")


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
    splits = list(builder.info.splits)
    if "train" not in splits:
        remedy = "name another data set with --data.name or --data.subset"
        refuse("data.name", expected=f"a split named train in {name}", got=", ".join(splits), remedy=remedy)
    train = table_source(builder.as_dataset(split="train").data.table, config, f"{name} train")
    wanted = (known.test_split,) if known and known.test_split else TEST_SPLITS
    found = [split for split in wanted if split in splits]
    if not found:
        return Sources(train, None)

    def test() -> Source:
        table = builder.as_dataset(split=found[0]).data.table
        return table_source(table, config, f"{name} {found[0]}", train.classes)

    return Sources(train, test)


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


def find_parquet(root: Path, config: DataConfig) -> tuple[list[Path], list[Path]] | None:
    """Return the training and test files below a folder, None where there are no training files.

    They are looked for in the folder itself, then in its sub-folder for the subset, in data/, and in the others.
    """
    if root.is_file():
        return ([root], []) if root.suffix == ".parquet" else None
    subset = config.subset or (config.known.subset if config.known else None)
    favoured = [root / subset] if subset else []
    folders = [root, *favoured, root / "data", *sorted(path for path in root.iterdir() if path.is_dir())]
    wanted = (config.known.test_split,) if config.known and config.known.test_split else TEST_SPLITS
    for folder in folders:
        train = sorted(folder.glob("train*.parquet"))
        if train:
            tests = [sorted(folder.glob(f"{name}*.parquet")) for name in wanted]
            return train, next((files for files in tests if files), [])
    return None


def parquet(root: Path, config: DataConfig) -> Sources:
    """Read train*.parquet and, when asked for, test*.parquet (else validation*, valid* or val*).

    Raises:
        InputError: no such file, or one that is damaged; the message names it.
    """
    found = find_parquet(root, config)
    if found is None:
        remedy = "point --data.root at the folder that holds them"
        refuse("data.root", expected="train*.parquet (and test*.parquet)", got=f"none in {root}", remedy=remedy)
    train_files, test_files = found
    train = table_source(_read(train_files, config), config, _title(train_files))
    if not test_files:
        return Sources(train, None)
    return Sources(train, lambda: table_source(_read(test_files, config), config, _title(test_files), train.classes))


def _title(files: list[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0].parent} ({files[0].name} … {files[-1].name})"


def _read(files: list[Path], config: DataConfig) -> Any:
    import pyarrow
    import pyarrow.parquet

    tables = []
    for path in files:
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                columns = file.schema_arrow.names
                chosen = list(dict.fromkeys(choose_columns(columns, config, str(path))))
                if sum(file.stat().st_size for file in files) <= config.memory_bytes:
                    tables.append(file.read(columns=chosen))
        except (pyarrow.ArrowException, OSError) as error:
            reason = f"one that cannot be read ({type(error).__name__})"
            refuse("data.root", expected=f"a parquet file in {path}", got=reason, remedy="fetch the file again")
    if tables:
        try:
            return pyarrow.concat_tables(tables)
        except pyarrow.ArrowException:
            remedy = "keep the files of one data set only"
            refuse("data.root", expected="the same columns in all parquet files", got=_title(files), remedy=remedy)
    from datasets import load_dataset

    # Too large to hold: Hugging Face's cache keeps a copy that is mapped, not read.
    paths = [str(path) for path in files]
    return load_dataset("parquet", data_files=paths, split="train", cache_dir=config.cache_dir).data.table

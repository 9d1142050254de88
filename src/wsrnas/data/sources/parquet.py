"""Parquet files that lie here, in the schema that the Hugging Face hub writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wsrnas.data.config import DataConfig
from wsrnas.data.mistaken import mistaken_for
from wsrnas.data.sources.base import Sources
from wsrnas.data.sources.layout import TESTS, Role, read_name
from wsrnas.data.sources.table import TableSource, choose_columns, table_source
from wsrnas.data.sources.walk import entries, is_hidden
from wsrnas.data.text import printable
from wsrnas.errors import refuse

Files = dict[Role, list[Path]]


def find_parquet(root: Path, config: DataConfig) -> Files | None:
    """Return the files of each split below a folder, None where there are none to train or test on.

    They are looked for in the folder itself, then in its sub-folder for the subset, in data/, and in the others; their
    names begin with the split's (train-00000-of-00001.parquet), or they lie in a folder of its name.
    """
    if root.is_file():
        return {"train": [root]} if root.suffix.lower() == ".parquet" else None
    subset = config.subset or (config.known.subset if config.known else None)
    favoured = [root / subset] if subset else []
    others = [path for path in _inside(root) if path.is_dir()]
    candidates = [split_files(path) for path in (root, *favoured, root / "data", *others) if path.is_dir()]
    return next(
        (files for files in candidates if "train" in files), next((files for files in candidates if files), None)
    )


def split_files(folder: Path) -> Files:
    """Return the parquet files of one folder by the split that their names, or those of their folders, begin with."""
    files: Files = {}
    folders: Files = {}
    for path in _inside(folder):
        start = read_name(path.name.replace("_", "-").split("-")[0].split(".")[0])
        if start is None or start.rest:
            continue
        if path.suffix.lower() == ".parquet":
            files.setdefault(start.role, []).append(path)
        elif path.is_dir():
            inside = [item for item in _inside(path) if item.suffix.lower() == ".parquet"]
            folders.setdefault(start.role, []).extend(inside)
    return files or {role: found for role, found in folders.items() if found}


def _inside(folder: Path) -> list[Path]:
    return [folder / entry.name for entry in entries(folder) if not is_hidden(entry.name)]


def test_roles(config: DataConfig) -> Sequence[Role]:
    """Return which splits may serve as the test set, best first: ImageNet's own test images have no labels."""
    return ("valid",) if config.known and config.known.test_split == "validation" else TESTS


def parquet(root: Path, config: DataConfig, *, scored: bool = False) -> Sources:
    """Read train*.parquet and, when asked for, test*.parquet (else eval*, validation*, valid*, val* or dev*).

    Images that are only to be scored need no training part.

    Raises:
        InputError: no such file, or one that is damaged; the message names it.
    """
    found = find_parquet(root, config) or {}
    test = next((files for role in test_roles(config) if (files := found.get(role))), [])
    notes = tuple(f"{_title(files)} is not used" for files in found.values() if files not in (found.get("train"), test))
    if "train" not in found and test and scored:
        only = _source(test, config, root)
        return Sources(only, lambda: only, test_only=True, notes=notes)
    if "train" not in found:
        got = f"none in {printable(str(root))}"
        remedy = "point --data.root at the folder that holds them"
        refuse("data.root", expected="train*.parquet (and test*.parquet)", got=got, remedy=remedy)
    train = _source(found["train"], config, root)
    return Sources(train, (lambda: _source(test, config, root)) if test else None, notes=notes)


def _source(files: list[Path], config: DataConfig, root: Path) -> TableSource:
    return table_source(_read(files, config), config, _title(files), home=root if root.is_dir() else root.parent)


def _title(files: list[Path]) -> str:
    first = printable(str(files[0]))
    return first if len(files) == 1 else printable(f"{files[0].parent} ({files[0].name} ... {files[-1].name})")


def _read(files: list[Path], config: DataConfig) -> Any:
    import pyarrow
    import pyarrow.parquet

    tables = []
    held = sum(file.stat().st_size for file in files) <= config.memory_bytes
    for path in files:
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                columns = file.schema_arrow.names
                chosen = list(dict.fromkeys(choose_columns(columns, config, printable(str(path)))))
                if held:
                    tables.append(file.read(columns=chosen))
                    tables[-1].validate(full=True)
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = f"one that cannot be read ({mistaken_for(path) or type(error).__name__})"
            remedy = "fetch the file again"
            refuse("data.root", expected=f"a parquet file in {printable(str(path))}", got=reason, remedy=remedy)
    if tables:
        try:
            return pyarrow.concat_tables(tables)
        except pyarrow.ArrowException:
            remedy = "keep the files of one data set only"
            refuse("data.root", expected="the same columns in all parquet files", got=_title(files), remedy=remedy)
    from datasets import load_dataset

    # Too large to hold: Hugging Face's cache keeps a copy that is mapped, not read.
    paths = [str(path) for path in files]
    try:
        return load_dataset("parquet", data_files=paths, split="train", cache_dir=config.cache_dir).data.table
    except Exception as error:  # it raises whatever its libraries do: damaged files, a full or locked cache
        got = f"one that cannot be copied to Hugging Face's cache ({' '.join(str(error).split())[:200]})"
        remedy = "fetch the files again, or raise --data.memory_bytes"
        refuse("data.root", expected=f"a parquet file in {_title(files)}", got=got, remedy=remedy)

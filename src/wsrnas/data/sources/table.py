"""A table of images and labels, as Hugging Face `datasets` and its parquet files hold them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from jaxtyping import Int
from PIL import Image
from torch import Tensor

from wsrnas.data.classes import DataClasses
from wsrnas.data.config import DataConfig
from wsrnas.data.decode import open_image
from wsrnas.data.sources.base import Source, number_labels
from wsrnas.data.text import printable
from wsrnas.errors import refuse

IMAGE_NAMES = ("img", "image")
LABEL_NAMES = ("label", "labels", "fine_label", "class", "target")


@dataclass(frozen=True, eq=False)
class TableSource(Source):
    """Encoded images in an arrow column of bytes (and, for files outside the table, of paths)."""

    encoded: Any  # pyarrow.ChunkedArray of binary
    paths: Any  # pyarrow.ChunkedArray of string, or None
    title: str
    labels: Int[Tensor, "N"]
    classes: DataClasses
    home: Path | None  # files outside the table must lie in this folder; None trusts their paths

    def open(self, row: int) -> Image.Image:
        """Decode one row."""
        data = self.encoded[row].as_py()
        return open_image(self._file(row) if data is None else data, lambda: self.describe(row))

    def _file(self, row: int) -> Path:
        """Return the file that a row names instead of holding an image."""
        path = self.paths[row].as_py() if self.paths is not None else None
        if path is None:
            refuse("data", expected=f"an image in {self.describe(row)}", got="nothing", remedy="remove the row")
        file = Path(path) if self.home is None else (self.home / path).resolve()
        if self.home is not None and self.home.resolve() not in file.parents:
            remedy = "keep the images in the table, or beside it"
            refuse("data", expected=f"a file below {self.home}", got=self.describe(row), remedy=remedy)
        if not file.is_file():
            refuse("data", expected=f"an image in {self.describe(row)}", got="no such file", remedy="remove the row")
        return file

    def describe(self, row: int) -> str:
        """Return the table and row, and the file name kept there."""
        path = self.paths[row].as_py() if self.paths is not None else None
        return f"row {row} of {self.title}" + (f" ({printable(path)})" if path else "")

    def token(self, row: int) -> str:
        """Return the row and the length of its encoded image."""
        data = self.encoded[row]
        return f"{row}:{len(data.as_buffer()) if data.is_valid else self.paths[row].as_py()}"

    def size(self, row: int) -> int:
        """Return the length of the encoded image."""
        data = self.encoded[row]
        return len(data.as_buffer()) if data.is_valid else self._file(row).stat().st_size

    def stored(self, row: int) -> bytes:
        """Return the encoded image."""
        data = self.encoded[row].as_py()
        return self._file(row).read_bytes() if data is None else bytes(data)


def choose_columns(columns: list[str], config: DataConfig, title: str) -> tuple[str, str]:
    """Return the names of the image and the label column: as configured, else the data set's own, else the usual ones.

    Raises:
        InputError: there is none; the message lists the columns there are.
    """
    known = config.known
    chosen = []
    for role, configured, own, usual in (
        ("image", config.image_column, known.image_column if known else None, IMAGE_NAMES),
        ("label", config.label_column, known.label_column if known else None, LABEL_NAMES),
    ):
        candidates = (configured,) if configured else ((own, *usual) if own else usual)
        found = [name for name in candidates if name in columns]
        if not found:
            expected = f"a column of {role}s in {title} ({' or '.join(c for c in candidates if c)})"
            remedy = f"name it with --data.{role}_column"
            got = f"columns {', '.join(columns) or 'none'}"
            refuse(f"data.{role}_column", expected=expected, got=got, remedy=remedy)
        if columns.count(found[0]) > 1:
            got = f"{columns.count(found[0])} of them"
            refuse("data", expected=f"one column {found[0]!r} in {title}", got=got, remedy="write the file again")
        chosen.append(str(found[0]))
    return chosen[0], chosen[1]


def table_source(table: Any, config: DataConfig, title: str, *, home: Path | None = None) -> TableSource:
    """Read an arrow table whose images are bytes or {bytes, path} in the hub's schema.

    Raises:
        InputError: no such columns, images that are not encoded files, or labels that cannot be read.
    """
    import pyarrow.compute as compute
    import pyarrow.types as types

    image_column, label_column = choose_columns(table.column_names, config, title)
    images, kind = table[image_column], table.schema.field(image_column).type
    paths = None
    if types.is_struct(kind) and "bytes" in [field.name for field in kind]:
        if "path" in [field.name for field in kind]:
            paths = compute.struct_field(images, "path")
        images = compute.struct_field(images, "bytes")
    if paths is not None and not (types.is_string(paths.type) or types.is_large_string(paths.type)):
        paths = None
    outside = paths is not None and types.is_null(images.type)  # every image is a file beside the table
    if not (types.is_binary(images.type) or types.is_large_binary(images.type) or outside):
        expected = f"encoded images (bytes, or bytes and path) in column {image_column!r} of {title}"
        remedy = "name another with --data.image_column"
        refuse("data.image_column", expected=expected, got=str(kind), remedy=remedy)
    if len(table) == 0:
        refuse("data", expected=f"images in {title}", got="an empty table", remedy="name another with --data.root")
    values = table[label_column].to_pylist()
    if any(not isinstance(value, (int, str)) for value in values if value is not None):
        remedy = "name another with --data.label_column"
        got = str(table.schema.field(label_column).type)
        expected = f"whole numbers or words in column {label_column!r} of {title}"
        refuse("data.label_column", expected=expected, got=got, remedy=remedy)
    names = label_names(table.schema.metadata, label_column, title)
    classes, labels = number_labels(values, names=names, where=title)
    return TableSource(encoded=images, paths=paths, title=title, labels=labels, classes=classes, home=home)


def label_names(metadata: dict[bytes, bytes] | None, column: str, title: str) -> tuple[str, ...] | None:
    """Return the class names that Hugging Face's metadata give to a column of whole numbers, None where they give none.

    Only names that stand in the metadata count, not a file that they point to.

    Raises:
        InputError: the metadata are damaged.
    """
    try:
        described = json.loads((metadata or {}).get(b"huggingface", b"{}"))
    except (ValueError, RecursionError):
        _refuse_metadata("what is not JSON", title)
    feature = _entry(_entry(_entry(described, "info"), "features"), column)
    names = _entry(feature, "names") if _entry(feature, "_type") == "ClassLabel" else None
    if not names:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        _refuse_metadata("what is no list of words", title)
    return tuple(names)


def _entry(described: Any, key: str) -> Any:
    return described.get(key) if isinstance(described, dict) else None


def _refuse_metadata(got: str, title: str) -> NoReturn:
    remedy = "write the file again, without the metadata 'huggingface' if need be"
    refuse("data", expected=f"names of classes in the metadata of {title}", got=got, remedy=remedy)

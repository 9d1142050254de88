"""A table of images and labels, as Hugging Face `datasets` and its parquet files hold them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Int
from PIL import Image
from torch import Tensor

from wsrnas.data.config import DataConfig
from wsrnas.data.pixels import open_image
from wsrnas.data.source import Source, number_labels
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
    classes: tuple[str, ...]

    def open(self, row: int) -> Image.Image:
        """Decode one row."""
        data = self.encoded[row].as_py()
        if data is not None:
            return open_image(data, lambda: self.describe(row))
        path = self.paths[row].as_py() if self.paths is not None else None
        if path is None:
            refuse("data", expected=f"an image in {self.describe(row)}", got="nothing", remedy="remove the row")
        return open_image(Path(path), lambda: self.describe(row))

    def describe(self, row: int) -> str:
        """Return the table and row, and the file name kept there."""
        path = self.paths[row].as_py() if self.paths is not None else None
        return f"row {row} of {self.title}" + (f" ({path})" if path else "")

    def token(self, row: int) -> str:
        """Return the row and the length of its encoded image."""
        data = self.encoded[row]
        return f"{row}:{len(data.as_buffer()) if data.is_valid else self.paths[row].as_py()}"


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
        chosen.append(str(found[0]))
    return chosen[0], chosen[1]


def table_source(table: Any, config: DataConfig, title: str, known: tuple[str, ...] | None = None) -> TableSource:
    """Read an arrow table whose images are bytes or {bytes, path} in the hub's schema; `known` are training classes.

    Raises:
        InputError: no such columns, images that are not encoded files, or labels that cannot be read.
    """
    import pyarrow.compute as compute
    import pyarrow.types as types
    from datasets import ClassLabel, Features

    image_column, label_column = choose_columns(table.column_names, config, title)
    images, kind = table[image_column], table.schema.field(image_column).type
    paths = None
    if types.is_struct(kind) and "bytes" in [field.name for field in kind]:
        if "path" in [field.name for field in kind]:
            paths = compute.struct_field(images, "path")
        images = compute.struct_field(images, "bytes")
    if not (types.is_binary(images.type) or types.is_large_binary(images.type)):
        expected = f"encoded images (bytes, or bytes and path) in column {image_column!r} of {title}"
        remedy = "name another with --data.image_column"
        refuse("data.image_column", expected=expected, got=str(kind), remedy=remedy)
    feature = Features.from_arrow_schema(table.schema).get(label_column)
    names = tuple(feature.names) if isinstance(feature, ClassLabel) and feature.names else None
    values = table[label_column].to_pylist()
    if any(not isinstance(value, (int, str)) for value in values if value is not None):
        remedy = "name another with --data.label_column"
        got = str(table.schema.field(label_column).type)
        expected = f"whole numbers or words in column {label_column!r} of {title}"
        refuse("data.label_column", expected=expected, got=got, remedy=remedy)
    classes, labels = number_labels(values, names=names, where=title, known=known)
    return TableSource(encoded=images, paths=paths, title=title, labels=labels, classes=classes)

"""Data sets whose classes are shades of grey, so that what an image really shows can be read from its pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import torch
from PIL import Image

from wsrnas.data import DataBundle, DataConfig, NetworkClasses, load_data

SHADES = {"cat": 20, "dog": 120, "fox": 220}


def png(shade: int, number: int = 0) -> bytes:
    pixels = np.full((4, 4), shade, dtype=np.uint8)
    pixels[0, 0] = number  # so that no two are alike
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    return buffer.getvalue()


def make_folder(root: Path, shades: dict[str, int], *, each: int = 6, first: int = 0) -> Path:
    """Every class one shade of grey: `shade_of` then tells what an image really shows."""
    for name, shade in shades.items():
        (root / name).mkdir(parents=True)
        for number in range(first, first + each):
            (root / name / f"{number}.png").write_bytes(png(shade, number))
    return root


def make_splits(root: Path, shades: dict[str, int]) -> Path:
    make_folder(root / "train", shades)
    make_folder(root / "test", shades, each=4, first=100)
    return root


def make_table(
    path: Path, labels: Sequence[object], shades: Sequence[int], names: Sequence[str] | None = None, kind: object = None
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table(
        {"image": [png(shade, i) for i, shade in enumerate(shades)], "label": pyarrow.array(labels, kind)}
    )
    if names is not None:
        from datasets import ClassLabel, Features, Value

        features = Features({"image": Value("binary"), "label": ClassLabel(names=list(names))})
        table = table.cast(features.arrow_schema)
    pyarrow.parquet.write_table(table, path)
    return path


def load_folder(root: Path, classes: NetworkClasses | None = None, **options: Any) -> DataBundle:
    return load_data(DataConfig(name="folder", root=str(root), **options), classes=classes)


def load_parquet(root: Path, classes: NetworkClasses | None = None, **options: Any) -> DataBundle:
    return load_data(DataConfig(name="parquet", root=str(root), **options), classes=classes)


def shown(bundle: DataBundle) -> dict[int, set[int]]:
    """Return which shades the test images of every label have."""
    images, labels = bundle.test.fetch(torch.arange(len(bundle.test)))
    found: dict[int, set[int]] = {}
    for image, label in zip(images, labels.tolist()):
        found.setdefault(label, set()).add(round(float(image[0, 2, 2]) * 255))
    return found

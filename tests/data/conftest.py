"""Small real image folders and parquet files, made from digits and from CIFAR-10."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from datasets import ClassLabel, Features
from datasets import Image as ImageFeature
from PIL import Image
from sklearn.datasets import load_digits

PER_CLASS = 9


@pytest.fixture(scope="session")
def digit_images() -> tuple[list[Image.Image], list[int]]:
    """Return nine digits each of 0, 1 and 2, enlarged to 16×16."""
    loaded = load_digits()
    images, labels = [], []
    for label in range(3):
        for position in np.flatnonzero(loaded.target == label)[:PER_CLASS]:
            image = Image.fromarray((loaded.images[position] * 15).astype(np.uint8))
            images.append(image.resize((16, 16), Image.Resampling.BICUBIC))
            labels.append(label)
    return images, labels


def write_folder(root: Path, images: list[Image.Image], labels: list[int]) -> Path:
    for number, (image, label) in enumerate(zip(images, labels)):
        folder = root / f"digit{label}"
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{number:03}.png")
    return root


def write_parquet(path: Path, images: list[Image.Image], labels: list[int], *, image_column: str = "img") -> Path:
    """Write the hub's schema: {bytes, path} and class labels with names in the metadata."""
    rows = []
    for number, image in enumerate(images):
        buffer = io.BytesIO()
        image.save(buffer, format="png")
        rows.append({"bytes": buffer.getvalue(), "path": f"{number}.png"})
    features = Features({image_column: ImageFeature(), "label": ClassLabel(names=["zero", "one", "two"])})
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({image_column: rows, "label": labels}, schema=features.arrow_schema)
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.fixture
def image_folder(tmp_path: Path, digit_images: tuple[list[Image.Image], list[int]]) -> Path:
    """Return a folder with class sub-folders under train/ and test/."""
    root = tmp_path / "folder"
    images, labels = digit_images
    write_folder(root / "train", images, labels)
    write_folder(root / "test", images[::3], labels[::3])
    return root


@pytest.fixture
def parquet_folder(tmp_path: Path, digit_images: tuple[list[Image.Image], list[int]]) -> Path:
    """Return a folder with a training and a test parquet file in the hub's layout."""
    root = tmp_path / "parquet"
    images, labels = digit_images
    write_parquet(root / "data" / "train-00000-of-00001.parquet", images, labels)
    write_parquet(root / "data" / "test-00000-of-00001.parquet", images[::3], labels[::3])
    return root

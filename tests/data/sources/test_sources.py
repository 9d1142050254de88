"""Folders, parquet files and the Hugging Face path read the same images in the same way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from wsrnas.data import DataBundle, DataConfig, load_data
from wsrnas.data.classes import DataClasses
from wsrnas.data.pixels import channels_of, fit_reader
from wsrnas.data.sources.base import Source
from wsrnas.data.sources.parquet import find_parquet
from wsrnas.errors import InputError

TRAIN = Path("data/train-00000-of-00001.parquet")


def pixels_of(bundle: DataBundle) -> dict[int, torch.Tensor]:
    return {
        int(row): image
        for split in (bundle.train, bundle.valid)
        for row, image in zip(split.rows, split.fetch(torch.arange(len(split)))[0])
    }


def same_images(first: DataBundle, second: DataBundle) -> bool:
    left, right = pixels_of(first), pixels_of(second)
    return left.keys() == right.keys() and all(torch.equal(left[row], right[row]) for row in left)


def test_folder_parquet_and_hub_agree(image_folder: Path, parquet_folder: Path, tmp_path: Path) -> None:
    from_folder = load_data(DataConfig(name="folder", root=str(image_folder)))
    from_parquet = load_data(DataConfig(name="parquet", root=str(parquet_folder)))
    from_hub = load_data(DataConfig(name=str(parquet_folder), cache_dir=str(tmp_path / "cache")))
    assert from_folder.class_names == ("digit0", "digit1", "digit2")
    assert from_parquet.class_names == from_hub.class_names == ("zero", "one", "two")
    assert from_parquet.fingerprint == from_hub.fingerprint
    assert same_images(from_folder, from_parquet)
    assert same_images(from_folder, from_hub)
    for bundle in (from_folder, from_parquet, from_hub):
        assert torch.equal(bundle.test.labels, from_folder.test.labels)
        assert len(bundle.test) == 9


def test_pixels_come_through_unchanged(image_folder: Path, digit_images: tuple[list[Image.Image], list[int]]) -> None:
    for row, image in pixels_of(load_data(DataConfig(name="folder", root=str(image_folder)))).items():
        assert torch.equal(image[0] * 255, torch.from_numpy(np.array(digit_images[0][row])).float())


def test_parquet_below_the_memory_limit_or_mapped_from_the_cache(parquet_folder: Path, tmp_path: Path) -> None:
    config = DataConfig(name="parquet", root=str(parquet_folder), pipeline="memory")
    mapped = DataConfig(**{**vars(config), "memory_bytes": 100, "cache_dir": str(tmp_path / "cache")})
    assert load_data(config).fingerprint == load_data(mapped).fingerprint
    assert len(load_data(mapped).test) == 9


def test_parquet_of_plain_bytes_and_words(parquet_folder: Path) -> None:
    before = load_data(DataConfig(name="parquet", root=str(parquet_folder)))
    table = pyarrow.parquet.read_table(parquet_folder / TRAIN)
    words = [["b", "c", "a"][label] for label in table["label"].to_pylist()]
    plain = pyarrow.table({"photo": [row["bytes"] for row in table["img"].to_pylist()], "kind": words})
    (parquet_folder / "data" / "test-00000-of-00001.parquet").unlink()
    pyarrow.parquet.write_table(plain, parquet_folder / TRAIN)
    config = DataConfig(name="parquet", root=str(parquet_folder / TRAIN), image_column="photo", label_column="kind")
    bundle = load_data(config)
    assert bundle.class_names == ("a", "b", "c")
    assert len(bundle.test) == 6
    assert len(bundle.train) + len(bundle.valid) + len(bundle.test) == len(before.train) + len(before.valid)


def test_several_files_are_read_in_order(parquet_folder: Path) -> None:
    config = DataConfig(name="parquet", root=str(parquet_folder))
    before = load_data(config)
    table = pyarrow.parquet.read_table(parquet_folder / TRAIN)
    pyarrow.parquet.write_table(table.slice(0, 10), parquet_folder / TRAIN)
    pyarrow.parquet.write_table(table.slice(10), parquet_folder / "data/train-00001-of-00002.parquet")
    assert load_data(config).fingerprint == before.fingerprint
    assert load_data(DataConfig(**{**vars(config), "pipeline": "workers", "workers": 0})).mean == before.mean


def test_where_parquet_files_are_looked_for(tmp_path: Path) -> None:
    for folder in ("cropped_digits", "full_numbers"):
        (tmp_path / folder).mkdir()
        for split in ("train", "test", "extra"):
            (tmp_path / folder / f"{split}-00000-of-00001.parquet").touch()
    (tmp_path / "validation.parquet").touch()
    files = find_parquet(tmp_path, DataConfig(name="svhn", root=str(tmp_path)))
    folder, name = tmp_path / "cropped_digits", "00000-of-00001.parquet"
    assert files == {"test": [folder / f"test-{name}"], "train": [folder / f"train-{name}"]}
    (tmp_path / "train.parquet").touch()
    files = find_parquet(tmp_path, DataConfig(name="imagenet", root=str(tmp_path)))
    assert files == {"train": [tmp_path / "train.parquet"], "valid": [tmp_path / "validation.parquet"]}


def test_imagenet_from_a_folder_uses_val_crops_and_colour(image_folder: Path) -> None:
    (image_folder / "test").rename(image_folder / "val")
    (image_folder / "test").mkdir()
    bundle = load_data(DataConfig(name="imagenet", root=str(image_folder), image_size=14, workers=0))
    assert bundle.image_shape == (3, 14, 14)
    assert len(bundle.test) == 9
    image = load_data(DataConfig(name="imagenet", root=str(image_folder), image_size=14, workers=0, crop=1.0))
    assert image.fingerprint != bundle.fingerprint


def test_the_centre_square_is_taken(image_folder: Path) -> None:
    wide = Image.new("RGB", (40, 20), (255, 0, 0))
    wide.paste((0, 255, 0), (10, 0, 30, 20))
    for folder in (image_folder / "train").iterdir():
        for path in folder.iterdir():
            wide.save(path)
    bundle = load_data(DataConfig(name="folder", root=str(image_folder), image_size=10))
    images, _ = bundle.train.fetch(torch.tensor([0]))
    inside = images[0, :, :, 1:-1]  # the outermost columns mix with their neighbours
    assert torch.equal(inside, torch.tensor([0.0, 1.0, 0.0])[:, None, None].expand_as(inside))
    assert bundle.std[2] == pytest.approx(1 / 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
def test_every_mode_becomes_grey_or_colour(mode: str) -> None:
    class One(Source):
        classes = DataClasses(names=("a",), kind="words", order="by name")
        labels = torch.zeros(1, dtype=torch.int64)

        def open(self, row: int) -> Image.Image:
            picture = Image.new("RGB", (6, 5), (200, 100, 50))
            return Image.new(mode, (6, 5)) if mode in ("LA", "LAB") else picture.convert(mode)

        def describe(self, row: int) -> str:
            return "it"

        def token(self, row: int) -> str:
            return "it"

        def size(self, row: int) -> int:
            return 0

        def stored(self, row: int) -> bytes:
            return b""

    own = 1 if mode in ("1", "L", "LA") else 3
    assert channels_of(One().open(0), lambda: "it") == own
    for wanted in (None, 1, 3):
        pixels = fit_reader(One(), 0, DataConfig(channels=wanted)).pixels(0)
        assert pixels.shape == (wanted or own, 5, 6)


def test_an_unreachable_hub_is_one_sentence(tmp_path: Path) -> None:
    code = (
        "from wsrnas.data import DataConfig, load_data\n"
        "from wsrnas.errors import InputError\n"
        "try:\n"
        f"    load_data(DataConfig(name='cifar10', cache_dir={str(tmp_path)!r}))\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(
        "data.name: expected a data set that loads from the Hugging Face hub, got uoft-cs/cifar10 ("
    )
    assert lines[0].endswith("or read a local copy with --data.root")


def test_a_hub_data_set_without_train(parquet_folder: Path, tmp_path: Path) -> None:
    (parquet_folder / TRAIN).unlink()
    with pytest.raises(InputError, match=r"data.name: expected a split named train in .*, got test; name another"):
        load_data(DataConfig(name=str(parquet_folder), cache_dir=str(tmp_path / "cache")))

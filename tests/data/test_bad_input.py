"""Every kind of bad input gives one clear sentence that names argument, expectation, value and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError

FIRST = Path("train/digit0/000.png")


def refused(match: str, action: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=match) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    assert re.match(r"^[a-z_.]+: expected .+, got .+; .+$", message), message


def read_all(config: DataConfig) -> None:
    bundle = load_data(config)
    for split in (bundle.train, bundle.valid):
        list(split.batches(8))


def refuse_folder(root: Path, match: str, **settings: object) -> None:
    refused(match, lambda: read_all(DataConfig(name="folder", root=str(root), **settings)))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"name": "cifar-10"}, r"data.name: expected a data set name, got cifar-10; did you mean 'cifar10'\?"),
        ({"name": "cfar100"}, r"did you mean 'cifar100'\?"),
        ({"name": "zzz"}, r"got zzz; known: digits, cifar10, cifar100, svhn, imagenet, folder, parquet"),
        ({"name": "folder"}, r"data.root: expected a folder for data.name=folder, got None; pass --data.root DIR"),
        ({"root": "/x"}, r"data.root: expected none for the embedded digits, got /x; set --data.name folder"),
        ({"valid_fraction": 1.0}, r"data.valid_fraction: expected a share in \[0,1\), got 1.0; "),
        ({"valid_fraction": 0.0, "valid_limit": 5}, r"data.valid_limit: expected none .*, got 5; raise --data.valid_f"),
        ({"train_limit": 0}, r"data.train_limit: expected a positive whole number or null, got 0; leave it out"),
        ({"image_size": -3}, r"data.image_size: expected a positive whole number or null, got -3"),
        ({"crop": 1.5}, r"data.crop: expected a share in \(0,1\], got 1.5"),
        ({"channels": 2}, r"data.channels: expected 1, 3 or null, got 2"),
        ({"workers": -1}, r"data.workers: expected 0 or more processes, got -1"),
    ],
)
def test_settings(settings: dict[str, object], match: str) -> None:
    refused(match, lambda: DataConfig(**settings))


def test_missing_empty_and_flat_folders(tmp_path: Path) -> None:
    refuse_folder(tmp_path / "none", r"data.root: expected a folder or parquet file that exists, got .*none;")
    refuse_folder(tmp_path, r"data.root: expected class sub-folders in .*, got none; put images into class")
    (tmp_path / "cat").mkdir()
    refuse_folder(tmp_path, r"data.root: expected images in .*cat, got none; add images \(.*\.png.*\) or remove the f")
    (tmp_path / "file.txt").write_text("x")
    refuse_folder(tmp_path / "file.txt", r"data.root: expected a folder, got .*file.txt; put images")


def test_one_class_and_small_classes(image_folder: Path, digit_images: tuple[list[Image.Image], list[int]]) -> None:
    lonely = image_folder / "train" / "digit9"
    lonely.mkdir()
    digit_images[0][0].save(lonely / "0.png")
    expected = r"data: expected at least 2 training images of every class, one each for D_t, D_v, got 1 of class 'd"
    refuse_folder(image_folder, expected)
    refuse_folder(image_folder / "train", r"at least 3 training images of every class, .*, the test set, got 1 of")
    for label in (1, 2, 9):
        for path in (image_folder / "train" / f"digit{label}").iterdir():
            path.unlink()
        (image_folder / "train" / f"digit{label}").rmdir()
    refuse_folder(image_folder, r"data: expected at least 2 classes, got 1 \(digit0\); add images of another class")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("pipeline", ["memory", "workers"])
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_a_corrupt_image_is_named(image_folder: Path, pipeline: str, workers: int, damage: str) -> None:
    for path in sorted((image_folder / "train" / "digit1").iterdir()):
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[: len(whole) // 2], "text": b"not an image", "empty": b""}[damage])
    config = DataConfig(name="folder", root=str(image_folder), pipeline=pipeline, workers=workers, train_limit=9)
    match = r"data: expected an image in .*digit1.*\.png, got one that cannot be decoded \(\w+\); replace or remove it"
    refused(match, lambda: [list(load_data(config).train.batches(4))])


@pytest.mark.parametrize("pipeline", ["memory", "workers"])
def test_sizes_and_channels_must_agree_or_be_made_to(image_folder: Path, pipeline: str) -> None:
    odd = image_folder / "train" / "digit2"
    settings = {"pipeline": pipeline, "workers": 0}
    for path in sorted(odd.iterdir())[:5]:
        with Image.open(path) as image:
            image.resize((20, 24)).save(path)
    size = r"data: expected images of (16×16|24×20), as the first is, got (24×20|16×16) in .*png; set --data.image_size"
    refuse_folder(image_folder, size, **settings)
    resized = load_data(DataConfig(name="folder", root=str(image_folder), image_size=12, **settings))
    assert resized.image_shape == (1, 12, 12)
    for path in sorted(odd.iterdir())[:5]:
        with Image.open(path) as image:
            image.resize((16, 16)).convert("RGBA").save(path)
    channels = r"data: expected [13] channel\(s\), as in the first image, got [13] in .*png; set --data.channels 3"
    refuse_folder(image_folder, channels, **settings)
    for count in (1, 3):
        bundle = load_data(DataConfig(name="folder", root=str(image_folder), channels=count, **settings))
        assert bundle.image_shape == (count, 16, 16)
        images, _ = bundle.train.fetch(torch.arange(len(bundle.train)))
        assert torch.equal(images[:, 0], images[:, -1])


def test_test_images_must_have_the_shape_of_training_images(image_folder: Path) -> None:
    path = sorted((image_folder / "test" / "digit0").iterdir())[0]
    with Image.open(path) as image:
        image.resize((10, 10)).save(path)
    bundle = load_data(DataConfig(name="folder", root=str(image_folder)))
    refused(r"data: expected images of 16×16, as the first is, got 10×10 in .*test", lambda: bundle.test)


def test_sixteen_bit_images_are_refused(image_folder: Path) -> None:
    for path in (image_folder / "train" / "digit0").iterdir():
        Image.new("I;16", (16, 16), 1000).save(path)
    refuse_folder(image_folder, r"data: expected 8 bits per channel in .*png, got mode I;16; convert it to 8-bit")


def test_a_test_class_that_training_lacks(image_folder: Path) -> None:
    (image_folder / "test" / "digit2").rename(image_folder / "test" / "digit7")
    bundle = load_data(DataConfig(name="folder", root=str(image_folder)))
    both = (
        r"data: expected classes of the training set \(digit0, digit1, digit2\) in .*test, got digit0, digit1, digit7; "
    )
    refused(both + "not among them: digit7; the test set may hold only classes of the training", lambda: bundle.test)


def refuse_parquet(root: Path, match: str, **settings: object) -> None:
    refused(match, lambda: read_all(DataConfig(name="parquet", root=str(root), **settings)))


def test_damaged_and_missing_parquet_files(parquet_folder: Path, tmp_path: Path) -> None:
    train = parquet_folder / "data" / "train-00000-of-00001.parquet"
    whole = train.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"PAR1", b"", whole[:60] + b"\x00" * 400 + whole[460:]):
        train.write_bytes(damaged)
        refuse_parquet(parquet_folder, r"expected (a parquet file|an image) in .*train-00000-of-00001.parquet.*; ")
    train.unlink()
    refuse_parquet(parquet_folder, r"data.root: expected train\*.parquet \(and test\*.parquet\), got none in .*; point")


def test_parquet_columns(parquet_folder: Path) -> None:
    train = parquet_folder / "data" / "train-00000-of-00001.parquet"
    table = pyarrow.parquet.read_table(train)
    pyarrow.parquet.write_table(table.rename_columns(["picture", "label"]), train)
    match = r"data.image_column: expected a column of images in .* \(img or image\), got columns picture, label; name"
    refuse_parquet(parquet_folder, match)
    pyarrow.parquet.write_table(table.rename_columns(["img", "kind"]), train)
    refuse_parquet(parquet_folder, r"data.label_column: expected a column of labels in .*, got columns img, kind; name")
    refuse_parquet(parquet_folder, r"got columns img, kind; name it with --data.image_column", image_column="pixels")
    numbers = pyarrow.table({"img": [1, 2, 3], "label": [0, 1, 2]})
    pyarrow.parquet.write_table(numbers, train)
    refuse_parquet(parquet_folder, r"data.image_column: expected encoded images \(bytes, .* got int64; name another")
    half = pyarrow.table({"img": table["img"].combine_chunks(), "label": [0.5] * len(table)})
    pyarrow.parquet.write_table(half, train)
    refuse_parquet(parquet_folder, r"data.label_column: expected whole numbers or words in column 'label' .*double")


def test_parquet_labels(parquet_folder: Path) -> None:
    train = parquet_folder / "data" / "train-00000-of-00001.parquet"
    table = pyarrow.parquet.read_table(train)
    for label, match in (
        (-1, r"data: expected a label for every image of .*, got images without one; this part"),
        (7, r"data: expected labels 0 to 2 in .*, got 7; repair the file"),
    ):
        labels = pyarrow.array([label, *table["label"].to_pylist()[1:]])
        pyarrow.parquet.write_table(table.set_column(1, table.schema.field("label"), labels), train)
        refuse_parquet(parquet_folder, match)

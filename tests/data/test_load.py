"""What `load_data` promises, on digits and on real CIFAR-10 images."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from wsrnas.data import DataBundle, DataConfig, ResizedCrop, Shift, load_data
from wsrnas.data.memory import MemorySplit
from wsrnas.data.workers import WorkerSplit
from wsrnas.errors import InputError

OPENED: list[str] | None = None


def _note_opened(event: str, arguments: tuple[object, ...]) -> None:
    if OPENED is not None and event == "open":
        OPENED.append(str(arguments[0]))


sys.addaudithook(_note_opened)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Return the list of files that Python opens during the test."""
    global OPENED
    OPENED = []
    yield OPENED
    OPENED = None


@pytest.fixture(scope="module")
def digits() -> DataBundle:
    return load_data(DataConfig())


def test_digits_are_divided_three_ways(digits: DataBundle) -> None:
    assert digits.image_shape == (1, 8, 8)
    assert digits.num_classes == 10
    assert digits.augment == Shift()
    rows = [set(split.rows.tolist()) for split in (digits.train, digits.valid, digits.test)]
    assert sum(map(len, rows)) == len(set.union(*rows)) == 1797
    assert len(digits.test) == 359
    assert len(digits.train) == len(digits.valid) == 719
    for split, share in ((digits.train, 0.4), (digits.valid, 0.4), (digits.test, 0.2)):
        counts = torch.bincount(split.labels, minlength=10).float() / 1797
        assert float((counts - share / 10).abs().max()) < 0.003


def test_the_seed_moves_the_split_but_not_the_test_part(digits: DataBundle) -> None:
    same, other = load_data(DataConfig(), seed=0), load_data(DataConfig(), seed=1)
    assert torch.equal(same.train.rows, digits.train.rows)
    assert same.fingerprint == digits.fingerprint != other.fingerprint
    assert (same.mean, same.std) == (digits.mean, digits.std)
    assert not torch.equal(other.train.rows, digits.train.rows)
    assert torch.equal(other.test.rows, digits.test.rows)


def test_mean_and_std_are_of_the_training_part_only(digits: DataBundle) -> None:
    images, _ = digits.train.fetch(torch.arange(len(digits.train)))
    assert digits.mean == pytest.approx([float(images.mean())], abs=1e-6)
    assert digits.std == pytest.approx([float(images.std(correction=0))], abs=1e-6)


def test_the_first_images_of_every_part_mix_the_classes(digits: DataBundle) -> None:
    for split in (digits.train, digits.valid, digits.test):
        assert len(split.labels[:32].unique()) > 5


def test_limits_keep_classes_equal_and_valid_is_not_moved_by_them(digits: DataBundle) -> None:
    limited = load_data(DataConfig(train_limit=100, valid_limit=50, test_limit=20))
    assert torch.bincount(limited.train.labels).tolist() == [10] * 10
    assert torch.bincount(limited.valid.labels).tolist() == [5] * 10
    assert torch.bincount(limited.test.labels).tolist() == [2] * 10
    assert set(limited.train.rows.tolist()) <= set(digits.train.rows.tolist())
    assert set(limited.valid.rows.tolist()) <= set(digits.valid.rows.tolist())
    assert torch.equal(limited.test.rows, load_data(DataConfig(test_limit=20), seed=3).test.rows)
    with pytest.raises(InputError, match=r"data.train_limit: expected at most 719, got 720; D_t holds 719 images"):
        load_data(DataConfig(train_limit=720))
    with pytest.raises(InputError, match=r"data.test_limit: expected at most 359, got 400; the test set holds 359"):
        _ = load_data(DataConfig(test_limit=400)).test


def test_nothing_is_held_out_with_a_fraction_of_zero() -> None:
    bundle = load_data(DataConfig(valid_fraction=0.0))
    assert len(bundle.train) == 1438
    assert len(bundle.valid) == 0
    assert list(bundle.valid.batches(8)) == []


def test_digits_can_be_enlarged_and_coloured() -> None:
    bundle = load_data(DataConfig(image_size=16, channels=3, train_limit=20, valid_limit=20, augment="imagenet"))
    assert bundle.image_shape == (3, 16, 16)
    assert bundle.augment == ResizedCrop()
    images, _ = bundle.train.fetch(torch.arange(20))
    assert torch.equal(images[:, 0], images[:, 2])


def test_cifar10_from_parquet_files(cifar10_root: Path) -> None:
    config = DataConfig(name="cifar10", root=str(cifar10_root), train_limit=40, valid_limit=20, test_limit=30)
    bundle = load_data(config, seed=4)
    assert bundle.image_shape == (3, 32, 32)
    assert bundle.class_names[:3] == ("airplane", "automobile", "bird")
    assert bundle.augment == Shift(flip=True)
    assert torch.bincount(bundle.train.labels).tolist() == [4] * 10
    assert not set(bundle.train.rows.tolist()) & set(bundle.valid.rows.tolist())
    assert torch.bincount(bundle.test.labels).tolist() == [3] * 10
    assert all(0.3 < mean < 0.6 for mean in bundle.mean)
    from_files = load_data(DataConfig(**{**vars(config), "pipeline": "workers", "workers": 0}), seed=4)
    images = torch.cat([images for images, _ in bundle.valid.batches(8)])
    assert torch.equal(images, torch.cat([images for images, _ in from_files.valid.batches(8)]))


def test_the_test_files_are_not_opened_before_they_are_asked_for(
    image_folder: Path, parquet_folder: Path, opened: list[str]
) -> None:
    bundle = load_data(DataConfig(name="folder", root=str(image_folder)))
    assert len(bundle.fingerprint) == 64
    assert any(str(image_folder / "train") in path for path in opened)
    assert not [path for path in opened if str(image_folder / "test") in path]
    assert len(bundle.test) == 9
    assert [path for path in opened if str(image_folder / "test") in path]
    opened.clear()
    assert len(load_data(DataConfig(name="folder", root=str(image_folder))).test) == 9
    sizes = {path.stat().st_size for path in (image_folder / "test").rglob("*.png")}
    alike = {str(path) for path in (image_folder / "train").rglob("*.png") if path.stat().st_size in sizes}
    # One for the shape, and those that might be copies: the training set itself is not decoded.
    assert len({path for path in opened if str(image_folder / "train") in path and path.endswith(".png")} - alike) <= 1
    # Arrow opens files past Python: a test file that is no parquet shows when it is opened.
    (parquet_folder / "data" / "test-00000-of-00001.parquet").write_bytes(b"not parquet")
    bundle = load_data(DataConfig(name="parquet", root=str(parquet_folder)))
    with pytest.raises(InputError, match=r"expected a parquet file in .*test-00000-of-00001.parquet"):
        _ = bundle.test


def test_the_carved_test_images_of_a_folder_are_not_opened(image_folder: Path, opened: list[str]) -> None:
    bundle = load_data(DataConfig(name="folder", root=str(image_folder / "train")))
    assert len(bundle.fingerprint) == 64
    assert len({path for path in opened if path.endswith(".png")}) == 27 - 6
    assert len(bundle.test) == 6
    assert len({path for path in opened if path.endswith(".png")}) == 27


def test_memory_or_workers_by_size(image_folder: Path) -> None:
    size = 27 * 16 * 16
    for limit, kind in ((size, MemorySplit), (size - 1, WorkerSplit)):
        bundle = load_data(DataConfig(name="folder", root=str(image_folder), memory_bytes=limit, workers=0))
        assert type(bundle.train) is type(bundle.valid) is type(bundle.test) is kind


@pytest.mark.parametrize("pipeline", ["memory", "workers"])
def test_the_fingerprint_changes_with_an_image_and_with_the_seed(image_folder: Path, pipeline: str) -> None:
    config = DataConfig(name="folder", root=str(image_folder), pipeline=pipeline, workers=0)
    before = load_data(config).fingerprint
    assert load_data(config).fingerprint == before != load_data(config, seed=1).fingerprint
    first = image_folder / "train" / "digit0" / "000.png"
    first.write_bytes((image_folder / "train" / "digit1" / "009.png").read_bytes())
    assert load_data(config).fingerprint != before

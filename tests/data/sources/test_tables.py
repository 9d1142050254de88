"""Tables that others wrote: foreign types, damaged or hostile metadata, files outside the table."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from tests.data.shades import load_parquet, make_table, png, shown

from wsrnas.data import DataConfig, NetworkClasses, load_data
from wsrnas.data.sources.parquet import find_parquet
from wsrnas.errors import InputError

SHADES = [20, 120, 220] * 4


def write(root: Path, labels: object, *, metadata: bytes | None = None, images: object = None) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({"image": images or [png(shade, i) for i, shade in enumerate(SHADES)], "label": labels})
    if metadata is not None:
        table = table.replace_schema_metadata({b"huggingface": metadata})
    pyarrow.parquet.write_table(table, root / "train.parquet")
    return root


def feature(**values: object) -> bytes:
    return json.dumps({"info": {"features": {"label": {"_type": "ClassLabel", **values}}}}).encode()


@pytest.mark.parametrize(
    "labels",
    [
        pyarrow.array([0, 1, 2] * 4, pyarrow.int8()),
        pyarrow.array([0, 1, 2] * 4, pyarrow.uint64()),
        pyarrow.array(["a", "b", "c"] * 4),
        pyarrow.array(["a", "b", "c"] * 4, pyarrow.large_string()),
        pyarrow.array(["a", "b", "c"] * 4).dictionary_encode(),
        pyarrow.array([False, True, True] * 4),
    ],
    ids=lambda labels: str(labels.type),
)
def test_labels_of_many_types(tmp_path: Path, labels: pyarrow.Array) -> None:
    bundle = load_parquet(write(tmp_path, labels))
    values = sorted({str(value) for value in labels.to_pylist()})
    assert bundle.class_names == tuple(values)
    assert shown(bundle)[0] == {20}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (pyarrow.array([0.0, 1.0] * 6), "whole numbers or words in column 'label' of .*, got double; name another"),
        (pyarrow.array([[0], [1]] * 6), "whole numbers or words in column 'label' of .*, got list<.*; name another"),
        (pyarrow.array([b"a", b"b"] * 6), "whole numbers or words in column 'label' of .*, got binary; name another"),
        (pyarrow.array([0, None] * 6), "a label for every image of .*, got images without one; this part"),
        (pyarrow.array([0, -1] * 6), "a label for every image of .*, got images without one; this part"),
        (pyarrow.array(["a", ""] * 6), "a label for every image of .*, got images without one; this part"),
        (pyarrow.nulls(12), "a label for every image of .*, got images without one; this part"),
        (pyarrow.array([7] * 12), r"at least 2 classes, got 1 \(7\); add images of another class, or point"),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_labels_that_are_none(tmp_path: Path, labels: pyarrow.Array, message: str) -> None:
    with pytest.raises(InputError, match=rf"expected {message}"):
        load_parquet(write(tmp_path, labels))


def test_large_and_negative_labels_keep_their_numbers(tmp_path: Path) -> None:
    root = write(tmp_path, pyarrow.array([2**63, 5, 5] * 4, pyarrow.uint64()))
    assert load_parquet(root).class_names == ("5", str(2**63))
    with pytest.raises(InputError, match=rf"expected labels 0 to 9, the classes of the network, in .*, got 5, {2**63}"):
        load_parquet(root, NetworkClasses(count=10))
    root = write(tmp_path, pyarrow.array([-7, 1, 0] * 4))
    assert load_parquet(root).class_names == ("-7", "0", "1")
    with pytest.raises(InputError, match=r"expected labels 0 to 9, the classes of the network, in .*, got -7, 0, 1"):
        load_parquet(root, NetworkClasses(count=10))


@pytest.mark.parametrize(
    ("metadata", "got"),
    [
        (b"{", "what is not JSON"),
        (b"\xff\xfe", "what is not JSON"),
        (b"[" * 100_000, "what is not JSON"),
        (feature(names="abc"), "what is no list of words"),
        (feature(names=[1, 2, 3]), "what is no list of words"),
        (feature(names={"0": "a"}), "what is no list of words"),
    ],
    ids=range(6),
)
def test_damaged_metadata(tmp_path: Path, metadata: bytes, got: str) -> None:
    with pytest.raises(InputError, match=f"^data: expected names of classes in the metadata of .*, got {got}; write"):
        load_parquet(write(tmp_path, [0, 1, 2] * 4, metadata=metadata))


@pytest.mark.parametrize(
    "metadata",
    [
        b"{}",
        b"[]",
        b"5",
        b'{"info": 5}',
        b'{"info": {"features": []}}',
        feature(),
        feature(names=[]),
        feature(names=None),
    ],
)
def test_metadata_that_say_nothing(tmp_path: Path, metadata: bytes) -> None:
    assert load_parquet(write(tmp_path, [0, 1, 2] * 4, metadata=metadata)).class_names == ("0", "1", "2")


def test_a_file_of_names_outside_the_table_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("alpha\nbeta\ngamma\n")
    root = write(tmp_path / "data", [0, 1, 2] * 4, metadata=feature(names_file=str(secret)))
    assert load_parquet(root).class_names == ("0", "1", "2")


def test_names_are_unique_and_labels_are_among_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data: expected a name for each class of .*, got a, b, a; repair the file"):
        load_parquet(write(tmp_path, [0, 1, 2] * 4, metadata=feature(names=["a", "b", "a"])))
    with pytest.raises(InputError, match=r"data: expected labels 0 to 1 in .*, got 2; repair the file"):
        load_parquet(write(tmp_path, [0, 1, 2] * 4, metadata=feature(names=["a", "b"])))
    strange = load_parquet(write(tmp_path, [0, 1, 2] * 4, metadata=feature(names=["a\nb", "\ud800", "cafe\u0301"])))
    assert strange.class_names == ("a\\nb", "\\ud800", "caf\u00e9")


def test_columns_twice_and_tables_without_rows(tmp_path: Path) -> None:
    tmp_path.joinpath("a").mkdir()
    twice = pyarrow.table([[png(1)], [png(2)], [0]], names=["image", "image", "label"])
    pyarrow.parquet.write_table(twice, tmp_path / "a" / "train.parquet")
    with pytest.raises(InputError, match=r"data: expected one column 'image' in .*, got 2 of them; write"):
        load_parquet(tmp_path / "a")
    empty = pyarrow.table({"image": pyarrow.array([], pyarrow.binary()), "label": pyarrow.array([], pyarrow.int64())})
    pyarrow.parquet.write_table(empty, tmp_path / "a" / "train.parquet")
    with pytest.raises(InputError, match=r"data: expected images in .*, got an empty table; name another"):
        load_parquet(tmp_path / "a")


def named(paths: list[str | None]) -> list[dict[str, object]]:
    return [{"bytes": None, "path": path} for path in paths]


def test_images_beside_the_table_are_read_and_others_are_not(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    for number, shade in enumerate(SHADES):
        (root / "images" / f"{number}.png").write_bytes(png(shade, number))
        (tmp_path / f"{number}.png").write_bytes(png(shade, number))
    inside = [f"images/{number}.png" for number in range(12)]
    write(root, [0, 1, 2] * 4, images=named(inside))
    assert shown(load_parquet(root)) == {0: {20}, 1: {120}, 2: {220}}
    assert shown(load_parquet(root / "train.parquet", pipeline="workers", workers=0)) == {0: {20}, 1: {120}, 2: {220}}
    (root / "link.png").symlink_to(tmp_path / "0.png")
    for path in ("../0.png", str(tmp_path / "0.png"), "images/../../0.png", "link.png", "/etc/passwd"):
        write(root, [0, 1, 2] * 4, images=named([path] * 12))
        message = rf"data: expected a file below {re.escape(str(root))}, got row \d+ of .* \({re.escape(path)}\); keep"
        with pytest.raises(InputError, match=message):
            load_parquet(root)
    write(root, [0, 1, 2] * 4, images=named(["images/none.png"] * 12))
    with pytest.raises(InputError, match=r"expected an image in row \d+ of .*none.png\), got no such file; remove"):
        load_parquet(root)
    write(root, [0, 1, 2] * 4, images=named([None] * 12))
    with pytest.raises(
        InputError, match=r"expected encoded images .*, got struct<bytes: null, path: null>; name anoth"
    ):
        load_parquet(root)


def test_files_of_splits_in_any_spelling(tmp_path: Path) -> None:
    for folder, train, test in (
        ("a", "Train.parquet", "TEST-00000-of-00001.PARQUET"),
        ("b", "train-00000-of-00001-a09b74b3ef9c3b56.parquet", "eval.parquet"),
        ("c", "training_set.parquet", "dev-0.parquet"),
        ("d", "default/train/0000.parquet", "default/test/0000.parquet"),
        ("e", "data/Train/0.parquet", "data/Validation/0.parquet"),
    ):
        root = tmp_path / folder
        make_table(root / train, [0, 1, 2] * 4, SHADES)
        make_table(root / test, [2, 0], [220, 20])
        (root / train).parent.joinpath("._train.parquet").write_bytes(b"hidden")
        bundle = load_parquet(root)
        assert len(bundle.train) + len(bundle.valid) == 12, folder
        assert shown(bundle) == {0: {20}, 2: {220}}


def test_unused_files_are_said(tmp_path: Path) -> None:
    for number, name in enumerate(("train", "test", "validation")):
        make_table(tmp_path / f"{name}.parquet", [0, 1] * 4, [20 + number, 120 + number] * 4)
    assert load_parquet(tmp_path).notes[0] == f"{tmp_path}/validation.parquet is not used"


def test_class_folders_beside_a_table_are_still_class_folders(tmp_path: Path) -> None:
    from tests.data.shades import make_folder

    make_folder(tmp_path, {"cat": 20, "dog": 120})
    (tmp_path / "test_labels.parquet").write_bytes(b"x")
    config = DataConfig(name="svhn", root=str(tmp_path))
    assert load_data(config).class_names == ("cat", "dog")
    assert find_parquet(tmp_path, config) == {"test": [tmp_path / "test_labels.parquet"]}


def test_damaged_tables_are_read_or_refused(tmp_path: Path) -> None:
    path = make_table(tmp_path / "train.parquet", [0, 1, 2] * 4, SHADES, ["cat", "dog", "fox"])
    whole, source, refused = path.read_bytes(), random.Random(0), []
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(source.choice([1, 2, 8])):
            damaged[-source.randrange(1, source.choice([900, len(whole)]))] = source.choice([0, 1, 127, 255])
        path.write_bytes(damaged)
        try:
            bundle = load_parquet(tmp_path, pipeline="workers", workers=0)
            for split in (bundle.train, bundle.valid, bundle.test):
                list(split.batches(8))
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert all(re.match(r"^[a-z_.]+: expected .+, got .+; .+$", message) for message in refused)

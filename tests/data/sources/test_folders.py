"""Folders as people have them: splits in any spelling, hidden files, links, and what is none of an image."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.shades import SHADES, load_folder, load_parquet, make_folder, make_splits, make_table, png, shown

from wsrnas.data import DataConfig, NetworkClasses, load_data
from wsrnas.data.sources.layout import WORDS, find_splits, read_name
from wsrnas.errors import InputError

TWO = {"cat": 20, "dog": 120}
BY_NAME = "classes by name: cat, dog"


def refused(message: str, root: Path, **options: object) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        load_folder(root, **options)


@pytest.mark.parametrize(
    ("name", "role", "rest"),
    [
        ("train", "train", ""),
        ("TRAIN", "train", ""),
        ("TrAiN", "train", ""),
        ("Training", "train", ""),
        ("train_set", "train", ""),
        ("TrainSet", "train", ""),
        ("trainset", "train", ""),
        ("TRAINset", "train", ""),
        ("training-images", "train", ""),
        ("train data", "train", ""),
        ("train2017", "train", ""),
        ("01_train", "train", ""),
        ("dataset_train", "train", ""),
        ("seg_train", "train", "seg"),
        ("segTrain", "train", "seg"),
        ("bullet_train", "train", "bullet"),
        ("Test", "test", ""),
        ("tests", "test", ""),
        ("testing_set", "test", ""),
        ("test1", "test", ""),
        ("Eval", "eval", ""),
        ("evaluation", "eval", ""),
        ("holdout", "eval", ""),
        ("val", "valid", ""),
        ("Valid", "valid", ""),
        ("VALIDATION", "valid", ""),
        ("validation.set", "valid", ""),
        ("dev", "valid", ""),
        ("val_256", "valid", ""),
    ],
)
def test_names_that_speak_of_a_split(name: str, role: str, rest: str) -> None:
    read = read_name(name)
    assert read is not None
    assert (read.role, read.rest) == (role, rest)


NO_SPLITS = [
    "cat",
    "trains",
    "trainer",
    "restrain",
    "strain",
    "testament",
    "contest",
    "tester",
    "retest",
    "éval",
    "тест",
] + ["vale", "valley", "devil", "device", "dove", "7", ""]


@pytest.mark.parametrize("name", NO_SPLITS)
def test_names_that_do_not(name: str) -> None:
    assert read_name(name) is None


@given(
    st.sampled_from(sorted(WORDS)), st.sampled_from(["", "_set", "-data", " images", "set", ".photos", "_3"]), st.data()
)
@settings(deadline=None, max_examples=60)
def test_case_does_not_matter(word: str, filler: str, data: st.DataObject) -> None:
    letters = [data.draw(st.sampled_from([letter.lower(), letter.upper()])) for letter in word + filler]
    read = read_name("".join(letters))
    assert read is not None
    assert (read.role, read.rest) == (WORDS[word], "")


def test_a_name_with_more_in_it_is_a_split_only_beside_its_like() -> None:
    assert find_splits(["bullet_train", "car"]) == []
    assert find_splits(["seg_train", "seg_test", "seg_pred"]) == [{"train": ["seg_train"], "test": ["seg_test"]}]
    assert find_splits(["car", "train", "bus"]) == [{"train": ["train"]}]
    assert find_splits(["bullet_train", "test_tube"]) == []


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Train", "Test"),
        ("TRAIN", "TEST"),
        ("training", "testing"),
        ("train_set", "test_set"),
        ("Training Set", "Test Set"),
        ("train", "Test"),
        ("train", "testing"),
        ("train", "eval"),
        ("train", "dev"),
        ("train", "val"),
        ("Train", "VALID"),
        ("TrainSet", "validation"),
        ("seg_train", "seg_test"),
        ("train2017", "val2017"),
    ],
)
def test_splits_in_any_spelling(tmp_path: Path, train: str, test: str) -> None:
    make_folder(tmp_path / train, TWO)
    make_folder(tmp_path / test, TWO, each=2, first=50)
    bundle = load_folder(tmp_path)
    assert bundle.class_names == ("cat", "dog")
    assert len(bundle.train) + len(bundle.valid) == 12
    assert len(bundle.test) == 4
    assert shown(bundle) == {0: {20}, 1: {120}}
    said = () if (train, test) == ("train", "test") else (f"training set {train}, test set {test}",)
    assert bundle.notes == (*said, BY_NAME)


def test_the_best_of_several_tests_is_taken_and_the_others_are_said(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", TWO)
    for place, name in enumerate(("val", "Eval", "test")):
        make_folder(tmp_path / name, TWO, each=place + 1, first=50 + 10 * place)
    bundle = load_folder(tmp_path)
    assert len(bundle.test) == 6
    assert bundle.notes[:2] == ("Eval (4 images) is not used", "val (2 images) is not used")


def test_an_unlabelled_test_folder_gives_way_to_a_labelled_one(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", TWO)
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "0.png").write_bytes(png(0))
    message = f"data.root: expected class sub-folders in {tmp_path}/test, got images without one; sort them"
    refused(message, tmp_path)
    make_folder(tmp_path / "val", TWO, each=1, first=50)
    bundle = load_folder(tmp_path)
    assert len(bundle.test) == 2
    assert bundle.notes[:2] == ("training set train, test set val", "test (1 images) is not used")


@pytest.mark.parametrize("names", [("train", "Train"), ("train", "training"), ("train1", "train2")])
def test_two_training_sets(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        make_folder(tmp_path / name, TWO)
    refused(f"data.root: expected one training set and at most one test set in {tmp_path}, got ", tmp_path)


def test_two_test_sets(tmp_path: Path) -> None:
    for name in ("train", "test", "Test"):
        make_folder(tmp_path / name, TWO)
    refused(
        f"data.root: expected one training set and at most one test set in {tmp_path}, got Test, test; keep one",
        tmp_path,
    )


def test_two_data_sets_side_by_side(tmp_path: Path) -> None:
    for name in ("a_train", "a_test", "b_train", "b_test"):
        make_folder(tmp_path / name, TWO)
    refused(f"data.root: expected one training set and at most one test set in {tmp_path}, got a_test, a_tr", tmp_path)


def test_splits_without_classes(tmp_path: Path) -> None:
    for name in ("Train", "Test"):
        (tmp_path / name).mkdir()
        for number in range(9):
            (tmp_path / name / f"{number}.png").write_bytes(png(0, number))
    message = f"data.root: expected class sub-folders in {tmp_path}/Test, {tmp_path}/Train, got images without one"
    refused(message, tmp_path)


def test_a_class_named_train(tmp_path: Path) -> None:
    vehicles = {"bus": 20, "car": 120, "train": 220}
    bundle = load_folder(make_folder(tmp_path / "flat", vehicles))
    assert bundle.class_names == ("bus", "car", "train")
    assert shown(bundle) == {0: {20}, 1: {120}, 2: {220}}
    assert bundle.notes[:2] == (f"train in {tmp_path}/flat is read as a class", "classes by name: bus, car, train")
    inside = load_folder(make_splits(tmp_path / "splits", vehicles))
    assert inside.class_names == ("bus", "car", "train")
    assert shown(inside) == {0: {20}, 1: {120}, 2: {220}}
    kinds = make_folder(tmp_path / "kinds", {"bus": 20, "car": 120})
    make_folder(kinds / "train", {"steam": 220, "electric": 230})
    refused(
        f"data.root: expected either splits or classes in {kinds}, got train beside bus (6 images), car (6 images);",
        kinds,
    )
    assert load_folder(kinds, class_names="bus,car,train").class_names == ("bus", "car", "train")
    assert len(load_folder(kinds, NetworkClasses(count=3, names=("bus", "car", "train"))).test) == 4
    assert load_folder(make_folder(tmp_path / "c", {"bullet_train": 1, "test_tube": 2})).num_classes == 2


def test_classes_named_like_other_splits_must_be_named(tmp_path: Path) -> None:
    make_folder(tmp_path, {"valid": 20, "invalid": 120})
    message = (
        f"data.root: expected class sub-folders in {tmp_path}/valid, got images without one (valid); if they "
        "are classes themselves, say so with --data.class_names"
    )
    refused(message, tmp_path)
    bundle = load_folder(tmp_path, class_names="invalid,valid")
    assert shown(bundle) == {0: {120}, 1: {20}}


def test_a_test_set_beside_the_training_classes(tmp_path: Path) -> None:
    make_folder(tmp_path, TWO)
    make_folder(tmp_path / "test", TWO)
    refused(
        f"data.root: expected either splits or classes in {tmp_path}, got test beside cat (6 images), dog (6 images);",
        tmp_path,
    )


def test_splits_inside_of_classes(tmp_path: Path) -> None:
    for name in TWO:
        make_folder(tmp_path / name, {"train": 20, "Test": 120})
    refused(
        f"data.root: expected images of one class in {tmp_path}/cat, got splits in it (Test, train); point", tmp_path
    )


def test_other_folders_beside_the_splits(tmp_path: Path) -> None:
    make_splits(tmp_path, TWO)
    make_folder(tmp_path / "originals", {"all": 3})
    (tmp_path / "docs").mkdir()
    bundle = load_folder(tmp_path)
    said = f"passed over beside the splits of {tmp_path}: docs (0 images), originals (6 images)"
    assert bundle.notes == (said, BY_NAME)


def test_the_folder_above_is_refused_with_the_way_down(tmp_path: Path) -> None:
    make_splits(tmp_path / "animals", TWO)
    refused(
        f"data.root: expected images of one class in {tmp_path}/animals, got splits in it (test, train); point",
        tmp_path,
    )
    make_folder(tmp_path / "b" / "animals", TWO)
    refused("data: expected at least 2 classes, got 1 (animals); add images of another class, or point", tmp_path / "b")


def test_imagenet_takes_val_whatever_its_spelling(tmp_path: Path) -> None:
    make_folder(tmp_path / "Train", TWO)
    make_folder(tmp_path / "Val", TWO, each=2, first=50)
    make_folder(tmp_path / "test", TWO, each=1, first=90)
    bundle = load_data(DataConfig(name="imagenet", root=str(tmp_path), image_size=4, workers=0))
    assert len(bundle.test) == 4
    assert bundle.notes[:2] == ("training set Train, test set Val", "test (2 images) is not used")


def test_hidden_and_system_files_never_count(tmp_path: Path) -> None:
    make_folder(tmp_path, TWO)
    for name in TWO:
        make_folder(tmp_path / name / ".ipynb_checkpoints", {"": SHADES[name]})
        (tmp_path / name / "._0.png").write_bytes(b"\x00\x05\x16\x07")
        (tmp_path / name / "Thumbs.db").write_bytes(b"x")
    make_folder(tmp_path / "__MACOSX", {"cat": 20}, each=2)
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "DESKTOP.INI").write_bytes(b"x")
    bundle = load_folder(tmp_path)
    assert bundle.class_names == ("cat", "dog")
    assert len(bundle.train) + len(bundle.valid) + len(bundle.test) == 12
    names = ".ipynb_checkpoints 12, ._* 2, Thumbs.db 2, __MACOSX 2, .DS_Store 1, DESKTOP.INI 1"
    assert bundle.notes[0] == f"passed over in {tmp_path}: 20 hidden or system file(s) ({names})"


def test_other_kinds_of_files_are_counted_by_name(tmp_path: Path) -> None:
    make_folder(tmp_path, TWO)
    for number in range(3):
        (tmp_path / "cat" / f"{number}.HEIC").write_bytes(b"x")
    (tmp_path / "dog" / "0.txt").write_bytes(b"x")
    (tmp_path / "dog" / "none").write_bytes(b"x")
    (tmp_path / "labels.csv").write_bytes(b"x")
    (tmp_path / "stray.png").write_bytes(png(0))
    bundle = load_folder(tmp_path)
    kinds = ".heic 3, .csv 1, .txt 1, no suffix 1"
    assert bundle.notes[:2] == (
        f"passed over in {tmp_path}: 6 file(s) of kinds that are not read ({kinds})",
        f"passed over in {tmp_path}: 1 image(s) outside the class folders",
    )
    make_folder(tmp_path, {"eel": 0}, each=0)
    (tmp_path / "eel" / "0.heic").write_bytes(b"x")
    refused(f"data.root: expected images in {tmp_path}/eel, got none (.heic 1); add images (.bmp, ", tmp_path)


@pytest.mark.parametrize("suffix", [".PNG", ".Jpg", ".JPEG", ".jfif", ".JPE", ".tiff", ".WEBP", ".Bmp"])
def test_suffixes_in_any_case(tmp_path: Path, suffix: str) -> None:
    make_folder(tmp_path, TWO)
    for path in sorted((tmp_path / "cat").iterdir()):
        path.rename(path.with_suffix(suffix))
    assert shown(load_folder(tmp_path)) == {0: {20}, 1: {120}}


def test_links_to_folders_above_and_to_what_is_read_anyway(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "root", TWO)
    for name, target in {
        "above": "..",
        "itself": ".",
        "kitty": "cat",
        "cat/up": "../..",
        "cat/dogs": "../dog",
        "dog/again.png": "0.png",
        "dog/cat.png": "../cat/0.png",
    }.items():
        (root / name).symlink_to(target)
    bundle = load_folder(root)
    assert bundle.class_names == ("cat", "dog")
    assert len(bundle.train) + len(bundle.valid) + len(bundle.test) == 12
    said = "7 link(s) to what is read anyway (above, cat/dogs, cat/up ... kitty (7 in all))"
    assert bundle.notes[0] == f"passed over in {root}: {said}"


def test_linked_images_and_folders_are_read(tmp_path: Path) -> None:
    pool = make_folder(tmp_path / "pool", SHADES)
    root = make_folder(tmp_path / "root", {"cat": 20})
    (root / "dog").symlink_to(pool / "dog")
    (root / "cat" / "more").symlink_to(pool / "cat", target_is_directory=True)
    (root / "fox").mkdir()
    for number in range(6):
        (root / "fox" / f"linked{number}.png").symlink_to(pool / "fox" / f"{number}.png")
    bundle = load_folder(root)
    assert bundle.class_names == ("cat", "dog", "fox")
    labels = [len(split.labels) for split in (bundle.train, bundle.valid, bundle.test)]
    assert sum(labels) == 24
    assert shown(bundle) == {0: {20}, 1: {120}, 2: {220}}
    assert bundle.data_notes[0] == "classes by name: cat, dog, fox"


def test_links_in_a_circle_and_into_nowhere(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "root", TWO)
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    (root / "cat" / "gone.png").symlink_to("nowhere.png")
    (root / "hen").symlink_to(tmp_path / "nowhere")
    outside = make_folder(tmp_path / "outside", {"deep": 20})
    (outside / "deep" / "back").symlink_to("..")
    (root / "cat" / "far").symlink_to(outside)
    bundle = load_folder(root)
    assert bundle.class_names == ("cat", "dog")
    assert len(bundle.train) + len(bundle.valid) + len(bundle.test) == 18
    assert bundle.notes[:2] == (
        f"passed over in {root}: 1 link(s) to what is read anyway (cat/far/deep/back)",
        f"passed over in {root}: 4 broken link(s) (a, b, cat/gone.png, hen)",
    )


def test_links_from_training_into_the_test_set_are_passed_over(tmp_path: Path) -> None:
    make_splits(tmp_path, TWO)
    (tmp_path / "train" / "cat" / "more").symlink_to("../../test/cat")
    (tmp_path / "train" / "hen").symlink_to("../test")
    (tmp_path / "train" / "up").symlink_to("..")
    (tmp_path / "up").symlink_to("..")
    bundle = load_folder(tmp_path)
    assert len(bundle.train) + len(bundle.valid) == 12
    said = f"passed over in {tmp_path}/train: 3 link(s) to what is read anyway (train/cat/more, train/hen, train/up)"
    assert bundle.notes == (f"passed over in {tmp_path}: 1 link(s) to what is read anyway (up)", said, BY_NAME)
    (tmp_path / "links" / "train").mkdir(parents=True)
    (tmp_path / "links" / "train" / "cat").symlink_to("../../test/cat")
    (tmp_path / "links" / "test").symlink_to("../test")
    refused(f"data.root: expected class sub-folders in {tmp_path}/links/train, got only links", tmp_path / "links")


def test_linked_images_are_read_once_whichever_way_leads_to_them(tmp_path: Path) -> None:
    pool = make_folder(tmp_path / "pool", {"all": 20})
    root = make_folder(tmp_path / "root", {"dog": 120})
    (root / "cat").symlink_to(pool / "all")
    (root / "dog" / "a.png").symlink_to(pool / "all" / "0.png")
    (root / "fox").symlink_to(pool / "all")
    bundle = load_folder(root)
    assert bundle.class_names == ("cat", "dog")
    assert len(bundle.train) + len(bundle.valid) + len(bundle.test) == 12
    assert bundle.notes[0] == f"passed over in {root}: 2 link(s) to what is read anyway (dog/a.png, fox)"


def test_images_that_link_from_one_split_into_the_other(tmp_path: Path) -> None:
    make_splits(tmp_path, TWO)
    (tmp_path / "train" / "cat" / "a.png").symlink_to("../../test/cat/100.png")
    bundle = load_folder(tmp_path)
    assert len(bundle.train) + len(bundle.valid) == 12
    assert len(bundle.test) == 8
    said = f"passed over in {tmp_path}/train: 1 link(s) to what is read anyway (train/cat/a.png)"
    assert bundle.notes == (said, BY_NAME)


def test_a_root_and_splits_that_are_links(tmp_path: Path) -> None:
    make_splits(tmp_path / "real", TWO)
    (tmp_path / "link").symlink_to("real")
    direct, linked = load_folder(tmp_path / "real"), load_folder(tmp_path / "link")
    assert linked.fingerprint == direct.fingerprint
    assert len(linked.test) == 8
    (tmp_path / "both").mkdir()
    for part in ("train", "test"):
        (tmp_path / "both" / part).symlink_to(tmp_path / "real" / "train")
    twice = load_folder(tmp_path / "both")
    assert len(twice.test) == 12
    assert twice.notes[-1] == "12 of 12 test images are in the training set too, byte for byte"


def test_what_is_no_file(tmp_path: Path) -> None:
    root = make_folder(tmp_path, TWO)
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "cat" / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(root / "dog")
        try:
            server.bind("s.png")
        finally:
            os.chdir(here)
        (root / "dog" / "zero.png").symlink_to("/dev/zero")
        bundle = load_folder(root)
    assert bundle.notes[0] == f"passed over in {root}: 3 file(s) of kinds that are not read (not a file 3)"


def test_copies_between_training_and_test_are_counted(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", TWO)
    make_folder(tmp_path / "test", TWO, each=3, first=4)
    bundle = load_folder(tmp_path)
    assert bundle.notes == (BY_NAME,)
    assert len(bundle.test) == 6
    assert bundle.notes == (BY_NAME, "4 of 6 test images are in the training set too, byte for byte")
    for pipeline in ("memory", "workers"):
        again = load_folder(tmp_path, pipeline=pipeline, workers=0, test_limit=2)
        assert len(again.test) == 2
    make_table(tmp_path / "t/train.parquet", [0, 1] * 4, [20, 120] * 4)
    make_table(tmp_path / "t/test.parquet", [0, 1], [20, 120])
    table = load_parquet(tmp_path / "t")
    assert len(table.test) == 2
    assert table.notes[-1] == "2 of 2 test images are in the training set too, byte for byte"


def test_copies_within_a_folder_that_is_carved(tmp_path: Path) -> None:
    make_folder(tmp_path, TWO, each=5)
    for name in TWO:
        for path in sorted((tmp_path / name).iterdir()):
            path.with_name(f"{path.stem} (copy).png").write_bytes(path.read_bytes())
    bundle = load_folder(tmp_path)
    assert len(bundle.test) == 4
    rows = set(bundle.test.rows.tolist())  # an image and its copy are neighbours: 2i and 2i + 1
    copies = sum(row ^ 1 not in rows for row in rows)
    assert copies > 0
    assert bundle.notes[-1] == f"{copies} of 4 test images are in the training set too, byte for byte"


def test_names_of_any_bytes(tmp_path: Path) -> None:
    root = os.fsencode(make_folder(tmp_path, TWO))
    odd = os.path.join(root, b"caf\xe9 \n1")
    os.mkdir(odd)
    for number in range(6):
        with open(os.path.join(odd, b"\xff%d.png" % number), "wb") as file:
            file.write(png(220, number))
    for pipeline in ("memory", "workers"):
        bundle = load_folder(tmp_path, pipeline=pipeline, workers=0)
        assert bundle.class_names == ("caf\\xe9 \\n1", "cat", "dog")
        assert shown(bundle) == {0: {220}, 1: {20}, 2: {120}}
        assert len(bundle.fingerprint) == 64
        for note in bundle.notes:
            assert note.encode()
            assert "\n" not in note
    with open(os.path.join(odd, b"\xff0.png"), "wb") as file:
        file.write(b"no image")
    for path in sorted(os.listdir(odd)):
        with open(os.path.join(odd, path), "wb") as file:
            file.write(b"no image")
    with pytest.raises(
        InputError, match=r"expected an image in .*caf\\xe9 \\n1/\\xff\d.png, got one that cannot be"
    ) as caught:
        _ = load_folder(tmp_path).train, load_folder(tmp_path).valid
    assert str(caught.value).encode()


def test_a_root_that_cannot_be(tmp_path: Path) -> None:
    for root in ("x" * 5000, "a\0b", str(tmp_path / "none")):
        with pytest.raises(InputError, match=r"^data.root: expected a folder or parquet file that exists, got [ax/]"):
            load_folder(Path(root))


def test_deep_folders(tmp_path: Path) -> None:
    make_folder(tmp_path, TWO)
    deep = tmp_path / "cat"
    for _ in range(60):
        deep = deep / "deeper"
    make_folder(deep, {"end": 20}, each=2)
    bundle = load_folder(tmp_path)
    assert len(bundle.train) + len(bundle.valid) + len(bundle.test) == 14


def test_unpacked_archives_wrap_their_splits_twice(tmp_path: Path) -> None:
    make_folder(tmp_path / "seg_train" / "seg_train", TWO)
    make_folder(tmp_path / "seg_test" / "seg_test", TWO, each=2, first=50)
    bundle = load_folder(tmp_path)
    assert bundle.class_names == ("cat", "dog")
    assert shown(bundle) == {0: {20}, 1: {120}}


def test_a_split_that_links_to_itself(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "train").symlink_to(".")
    refused(f"data.root: expected class sub-folders in {tmp_path}/train, got none; put images into", tmp_path)
    make_folder(tmp_path / "train", TWO)
    assert load_folder(tmp_path).class_names == ("cat", "dog")


def test_an_empty_class_folder_is_a_missing_class_only_where_it_may_be(tmp_path: Path) -> None:
    make_splits(tmp_path, TWO)
    (tmp_path / "test" / "fox").mkdir()
    bundle = load_folder(tmp_path)
    assert shown(bundle) == {0: {20}, 1: {120}}
    assert bundle.notes == (BY_NAME, f"{tmp_path}/test/fox is empty")
    (tmp_path / "train" / "fox").mkdir()
    refused(f"data.root: expected images in {tmp_path}/train/fox, got none; add images", tmp_path)
    network = NetworkClasses(count=3, names=("fox", "dog", "cat"))
    assert shown(load_folder(tmp_path, network)) == {2: {20}, 1: {120}}
    (tmp_path / "test" / "fox" / "0.heic").write_bytes(b"x")
    with pytest.raises(
        InputError, match=r"data.root: expected images in .*/test/fox, got none \(.heic 1\); add images"
    ):
        _ = load_folder(tmp_path, network).test


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "a Git LFS pointer: run git lfs pull",
        ),
        (b"\n<!DOCTYPE html><html></html>", "a web page"),
        (b"GIF8", "UnidentifiedImageError"),
    ],
)
def test_files_that_often_lie_where_an_image_should(tmp_path: Path, content: bytes, what: str) -> None:
    make_folder(tmp_path / "root", TWO)
    for path in (tmp_path / "root" / "cat").iterdir():
        path.write_bytes(content)
    with pytest.raises(
        InputError, match=rf"cat/\d.png, got one that cannot be decoded \({what}\); replace or remove it"
    ):
        _ = load_folder(tmp_path / "root").train
    (tmp_path / "train.parquet").write_bytes(content)
    reason = what if content != b"GIF8" else "ArrowInvalid"
    with pytest.raises(
        InputError, match=rf"train.parquet, got one that cannot be read \({reason}\); fetch the file agai"
    ):
        load_parquet(tmp_path)

"""Which label is which class: order, names, and the way to a network's classes; never silently another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.shades import SHADES, load_folder, load_parquet, make_folder, make_splits, make_table, shown

from wsrnas.data import DataConfig, NetworkClasses, load_data
from wsrnas.data.classes import DataClasses, align
from wsrnas.data.sources.base import word_classes
from wsrnas.data.text import natural
from wsrnas.errors import InputError


def network(*names: str) -> NetworkClasses:
    return NetworkClasses(names=names, count=len(names))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["10", "2", "1"], ["1", "2", "10"]),
        (["10", "-1", "2"], ["-1", "2", "10"]),
        (["class10", "class2", "class1"], ["class1", "class2", "class10"]),
        (["00010", "00002", "00001"], ["00001", "00002", "00010"]),
        (["b", "a", "C"], ["C", "a", "b"]),
        (["n02000000", "n01999999"], ["n01999999", "n02000000"]),
        (["9" * 5000, "8" * 5000, "1" + "0" * 5000], ["8" * 5000, "9" * 5000, "1" + "0" * 5000]),
        (["a1", "a01", "a"], ["a", "a01", "a1"]),
        ([], []),
    ],
)
def test_natural_order(names: list[str], order: list[str]) -> None:
    assert natural(names) == order


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=6), unique=True))
def test_natural_order_is_an_order_of_the_same_names(names: list[str]) -> None:
    assert sorted(natural(names)) == sorted(names)
    assert natural(list(reversed(names))) == natural(names)


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 10**12)))
def test_whole_numbers_are_in_the_order_of_numbers(numbers: set[int]) -> None:
    assert natural(map(str, numbers)) == [str(number) for number in sorted(numbers)]


def test_class_folders_and_words_that_are_numbers(tmp_path: Path) -> None:
    root = make_splits(tmp_path / "folder", {"1": 10, "10": 100, "2": 20})
    bundle = load_folder(root)
    assert bundle.class_names == ("1", "2", "10")
    assert bundle.class_order == "by number"
    assert bundle.notes[0] == "classes by number: 1, 2, 10"
    assert shown(bundle) == {0: {10}, 1: {20}, 2: {100}}
    make_table(tmp_path / "words/train.parquet", ["10", "1", "2"] * 4, [100, 10, 20] * 4)
    words = load_parquet(tmp_path / "words")
    assert words.class_names == ("1", "2", "10")
    assert words.notes[0] == "classes by number: 1, 2, 10"
    assert shown(words) == {0: {10}, 1: {20}, 2: {100}}


def test_every_source_names_its_classes_and_says_in_which_order(tmp_path: Path) -> None:
    digits = load_data(DataConfig())
    assert digits.class_names == tuple("0123456789")
    assert (digits.num_classes, digits.class_order) == (10, "as the data numbers them")
    assert digits.notes == ("no test part: a fixed fifth of every class (359 images) is the test set",)
    animals = load_folder(make_splits(tmp_path / "folder", SHADES))
    assert animals.class_names == ("cat", "dog", "fox")
    assert (animals.class_order, animals.notes) == ("by name", ("classes by name: cat, dog, fox",))
    make_table(tmp_path / "named/train.parquet", [0, 1, 2] * 4, [20, 120, 220] * 4, ["dog", "fox", "cat"])
    named = load_parquet(tmp_path / "named")
    assert named.class_names == ("dog", "fox", "cat")
    assert named.class_order == "as the data numbers them"
    assert named.notes == ("no test part: a fixed fifth of every class (3 images) is the test set",)
    make_table(tmp_path / "numbers/train.parquet", [8, 3, 5] * 4, [80, 30, 50] * 4)
    numbers = load_parquet(tmp_path / "numbers")
    assert numbers.class_names == ("3", "5", "8")
    assert (numbers.num_classes, numbers.notes[0]) == (3, "classes by number: 3, 5, 8")
    assert shown(numbers) == {0: {30}, 1: {50}, 2: {80}}


def test_a_data_set_that_lacks_a_class_keeps_the_numbers_of_the_network(tmp_path: Path) -> None:
    trained = load_folder(make_splits(tmp_path / "old", SHADES))
    new = make_splits(tmp_path / "new", {"cat": 20, "fox": 220})
    bundle = load_folder(new, network(*trained.class_names))
    assert bundle.class_names == trained.class_names
    assert shown(bundle) == {0: {20}, 2: {220}}
    assert bundle.class_order == "as the network has them"
    mapped = "labels mapped by name to the classes of the network (cat, dog, fox): cat, fox"
    assert bundle.data_notes == (mapped, f"no images of dog in {new}/train")
    assert bundle.notes[2:] == (f"no images of dog in {new}/test",)


def test_a_training_part_may_lack_what_the_test_part_has(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", {"cat": 20})
    make_folder(tmp_path / "test", SHADES)
    assert shown(load_folder(tmp_path, network("fox", "cat", "dog"))) == {0: {220}, 1: {20}, 2: {120}}


def test_another_order_is_mapped(tmp_path: Path) -> None:
    root = make_splits(tmp_path / "new", SHADES)
    bundle = load_folder(root, network("fox", "cat", "dog"))
    assert shown(bundle) == {0: {220}, 1: {20}, 2: {120}}
    assert bundle.notes[0] == "labels mapped by name to the classes of the network (fox, cat, dog): cat, dog, fox"
    make_table(tmp_path / "named/train.parquet", [0, 1, 2] * 4, [120, 220, 20] * 4, ["dog", "fox", "cat"])
    assert shown(load_parquet(tmp_path / "named", network("cat", "dog", "fox"))) == {0: {20}, 1: {120}, 2: {220}}
    same = load_folder(root, network("cat", "dog", "fox"))
    assert same.notes == ()


@pytest.mark.parametrize(
    ("folders", "unknown"),
    [
        (["cat", "dog", "wolf"], "wolf"),  # renamed
        (["Cat", "Dog", "Fox"], "Cat, Dog, Fox"),
        (["cat", "dog", "fox", "hen"], "hen"),  # one more
        (["0", "1", "2"], "0, 1, 2"),
        (["cat", "dog", "fox "], "'fox '"),
    ],
)
def test_renamed_and_further_classes_are_refused_with_both_lists(
    tmp_path: Path, folders: list[str], unknown: str
) -> None:
    root = make_splits(tmp_path / "new", {name: 10 * i for i, name in enumerate(folders)})
    names = ", ".join(repr(name) if name != name.strip() else name for name in sorted(folders))
    message = (
        f"data: expected classes of the network (cat, dog, fox) in {root}/train, got {names}; not among them: "
        f"{unknown}; rename the data's classes like them, or leave out images of other classes"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        load_folder(root, network("cat", "dog", "fox"))


def test_numbers_left_alone_for_a_network_without_names(tmp_path: Path) -> None:
    make_table(tmp_path / "train.parquet", [3, 5, 8] * 4, [30, 50, 80] * 4)
    make_table(tmp_path / "test.parquet", [8, 3], [80, 30])
    bundle = load_parquet(tmp_path, NetworkClasses(count=10))
    assert bundle.num_classes == 10
    assert bundle.class_names == tuple("0123456789")
    assert shown(bundle) == {3: {30}, 8: {80}}
    assert bundle.notes == ()
    message = r"data: expected labels 0 to 7, the classes of the network, in .*train.parquet, got 3, 5, 8; name the"
    with pytest.raises(InputError, match=message):
        load_parquet(tmp_path, NetworkClasses(count=8))
    make_table(tmp_path / "test.parquet", [8, 12], [80, 30])
    beyond = load_parquet(tmp_path, NetworkClasses(count=10))
    with pytest.raises(
        InputError, match=r"expected labels 0 to 9, the classes of the network, in .*test.*, got 8, 12;"
    ):
        _ = beyond.test


def test_numbers_for_a_network_of_ours(tmp_path: Path) -> None:
    make_table(tmp_path / "train.parquet", [3, 5, 8] * 4, [30, 50, 80] * 4)
    assert shown(load_parquet(tmp_path, network(*"0123456789"))) == {3: {30}, 5: {50}, 8: {80}}
    assert shown(load_parquet(tmp_path, network("8", "3", "5"))) == {0: {80}, 1: {30}, 2: {50}}
    message = (
        r"expected classes of the network \(3, 5\) in .*, got 3, 5, 8; not among them: 8; say which class is label 0"
    )
    with pytest.raises(InputError, match=message):
        load_parquet(tmp_path, network("3", "5"))
    make_table(tmp_path / "train.parquet", [0, 1, 2] * 4, [20, 120, 220] * 4)
    with pytest.raises(InputError, match=r"\(cat, dog, fox\) in .*, got 0, 1, 2; not among them: 0, 1, 2; say which"):
        load_parquet(tmp_path, network("cat", "dog", "fox"))
    told = load_parquet(tmp_path, network("fox", "dog", "cat"), class_names="cat,dog,fox")
    assert shown(told) == {0: {220}, 1: {120}, 2: {20}}


def test_named_numbers_for_a_network_that_was_trained_on_bare_ones(tmp_path: Path) -> None:
    make_table(tmp_path / "train.parquet", [0, 2] * 4, [20, 220] * 4, ["cat", "dog", "fox"])
    bundle = load_parquet(tmp_path, network("2", "1", "0"))
    assert shown(bundle) == {0: {220}, 2: {20}}
    where = tmp_path / "train.parquet"
    said = f"the classes of the network are numbers: labels of {where} are taken by number, not by name"
    assert bundle.notes[0] == said
    with pytest.raises(InputError, match=r"classes of the network \(7, 8\) in .*, got 0, 2; not among them: 0, 2;"):
        load_parquet(tmp_path, network("7", "8"))


def test_words_for_a_network_without_names(tmp_path: Path) -> None:
    root = make_splits(tmp_path / "animals", SHADES)
    bundle = load_folder(root, NetworkClasses(count=3))
    assert bundle.class_names == ("cat", "dog", "fox")
    assert bundle.notes == ("the names of the network's classes are not known: cat, dog, fox are taken as 0 to 2",)
    message = r"expected the 10 classes of the network, whose names are not known, in .*, got 3 \(cat, dog, fox\); name"
    with pytest.raises(InputError, match=message):
        load_folder(root, NetworkClasses(count=10))
    names = "ant,bee,cat,dog,eel,fox,gnu,hen,ibex,jay"
    assert shown(load_folder(root, NetworkClasses(count=10), class_names=names)) == {2: {20}, 3: {120}, 5: {220}}


def test_a_test_part_may_lack_a_class_of_a_network_without_names(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", SHADES)
    make_folder(tmp_path / "test", {"cat": 20, "fox": 220})
    assert shown(load_folder(tmp_path, NetworkClasses(count=3))) == {0: {20}, 2: {220}}
    assert shown(load_folder(tmp_path)) == {0: {20}, 2: {220}}


def test_folders_that_are_numbers_for_a_network_without_names(tmp_path: Path) -> None:
    bundle = load_folder(make_splits(tmp_path / "a", {"3": 30, "5": 50, "8": 80}), NetworkClasses(count=10))
    assert shown(bundle) == {3: {30}, 5: {50}, 8: {80}}
    said = f"class names of {tmp_path}/a/train are taken as numbers of the network's classes: 3, 5, 8"
    assert bundle.notes[0] == said
    padded = make_splits(tmp_path / "b", {"00003": 30, "00011": 110})
    assert shown(load_folder(padded, NetworkClasses(count=43))) == {3: {30}, 11: {110}}
    from_one = make_splits(tmp_path / "c", {"1": 10, "2": 20, "3": 30})
    assert shown(load_folder(from_one, NetworkClasses(count=3))) == {0: {10}, 1: {20}, 2: {30}}


def test_an_order_that_is_not_sure_is_refused(tmp_path: Path) -> None:
    """Other tools sort class folders as text, so for a network whose names are not known neither order may be taken."""
    root = make_splits(tmp_path, {"1": 10, "2": 20, "10": 100})
    message = r"in an order that is sure, .*, got 1, 2, 10 by number but 1, 10, 2 as text; name the network's classes"
    with pytest.raises(InputError, match=message):
        load_folder(root, NetworkClasses(count=3))
    assert shown(load_folder(root, NetworkClasses(count=3), class_names="1,10,2")) == {0: {10}, 1: {100}, 2: {20}}
    assert shown(load_folder(root, network("1", "10", "2"))) == {0: {10}, 1: {100}, 2: {20}}


def test_named_numbers_for_a_network_without_names(tmp_path: Path) -> None:
    make_table(tmp_path / "train.parquet", [0, 2] * 4, [20, 220] * 4, ["zoe", "bob", "amy"])
    bundle = load_parquet(tmp_path, NetworkClasses(count=3))
    assert shown(bundle) == {0: {20}, 2: {220}}
    assert bundle.class_names == ("zoe", "bob", "amy")
    with pytest.raises(InputError, match=r"expected the 100 classes of the network, .*, got 3 \(zoe, bob, amy\); name"):
        load_parquet(tmp_path, NetworkClasses(count=100))


def test_the_digits_for_networks_of_ten_and_of_three_classes() -> None:
    bundle = load_data(DataConfig(), classes=NetworkClasses(count=10))
    assert torch.equal(bundle.test.labels, load_data(DataConfig()).test.labels)
    assert load_data(DataConfig(), classes=network(*"0123456789")).notes == load_data(DataConfig()).notes
    with pytest.raises(
        InputError, match=r"expected labels 0 to 2, the classes of the network, in scikit-learn's digit"
    ):
        load_data(DataConfig(), classes=NetworkClasses(count=3))


def test_given_names_order_words_and_name_numbers(tmp_path: Path) -> None:
    root = make_splits(tmp_path / "sizes", {"high": 200, "low": 10, "medium": 100})
    bundle = load_folder(root, class_names="low, medium, high")
    assert bundle.class_names == ("low", "medium", "high")
    assert shown(bundle) == {0: {10}, 1: {100}, 2: {200}}
    assert bundle.notes == ("classes as --data.class_names gives them: low, medium, high",)
    make_table(tmp_path / "numbers/train.parquet", [1, 0] * 4, [120, 20] * 4)
    assert load_parquet(tmp_path / "numbers", class_names="cat;dog, brown").class_names == ("cat", "dog, brown")
    assert shown(load_parquet(tmp_path / "numbers", class_names="1,0")) == {
        0: {120},
        1: {20},
    }  # by name before by number
    make_table(tmp_path / "two/train.parquet", [1, 2] * 4, [120, 20] * 4)
    with pytest.raises(
        InputError, match=r"data.class_names: expected labels 0 to 1, .* \(a, b\), in .*, got 1, 2; give"
    ):
        load_parquet(tmp_path / "two", class_names="a,b")
    with pytest.raises(
        InputError, match=r"classes of data.class_names \(low, high\) in .*, got high, low, medium; not a"
    ):
        load_folder(root, class_names="low,high")
    with pytest.raises(InputError, match=r"at least 2 training images of every class, .*, got 0 of class 'huge'"):
        load_folder(root, class_names="low,medium,high,huge")


@pytest.mark.parametrize("names", ["", "one", "a,a", ",", "caf\u00e9,cafe\u0301"])
def test_given_names_must_be_names(names: str) -> None:
    with pytest.raises(InputError, match=r"data.class_names: expected two or more different names, got"):
        DataConfig(class_names=names)


def test_networks_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"classes.names: expected 3 different names, got 2 \(a, b\); give every"):
        NetworkClasses(count=3, names=("a", "b"))
    with pytest.raises(InputError, match=r"classes.names: expected 2 different names, got 2 \(a, a\)"):
        NetworkClasses(count=2, names=("a", "a"))
    with pytest.raises(InputError, match=r"classes.count: expected at least 1, got 0"):
        NetworkClasses(count=0)


def test_long_lists_are_shortened() -> None:
    found = word_classes(f"x{i}" for i in range(1000))
    with pytest.raises(
        InputError, match=r"\(a, b\) in it, got x0, .* x10 \.\.\. x999 \(1000 in all\); not among them: x0"
    ):
        align(found, range(1000), network("a", "b"), where="it")


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_mapping_by_name_always_keeps_the_name(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text("abc01", min_size=1, max_size=3), unique=True, min_size=1, max_size=6))
    order = tuple(data.draw(st.permutations(names)))
    used = sorted(data.draw(st.sets(st.integers(0, len(names) - 1), min_size=1)))
    found = DataClasses(names=tuple(names), kind=data.draw(st.sampled_from(["words", "named"])), order="")
    mapped = align(found, used, NetworkClasses(count=len(order), names=order), where="it")
    for label, position in enumerate(mapped.positions):
        assert (position >= 0) == (label in used)
        assert position < 0 or order[position] == names[label]


def test_only_a_test_part_is_enough_to_score(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "Testing", SHADES, each=1)
    bundle = load_folder(tmp_path / "a", network("cat", "dog", "fox"))
    assert len(bundle.test) == 3
    assert shown(bundle) == {0: {20}, 1: {120}, 2: {220}}
    with pytest.raises(InputError, match=r"data.root: expected a training part beside .*Testing, got none; add one"):
        _ = bundle.train
    with pytest.raises(InputError, match=r"expected one training set .*, got Testing; add ROOT/train, with the images"):
        load_folder(tmp_path / "a")
    make_table(tmp_path / "b/test.parquet", [3], [30])
    assert shown(load_parquet(tmp_path / "b", NetworkClasses(count=4))) == {3: {30}}
    with pytest.raises(InputError, match=r"data.root: expected train\*.parquet \(and test\*.parquet\), got none in"):
        load_parquet(tmp_path / "b")


def test_scoring_without_a_network(tmp_path: Path) -> None:
    make_folder(tmp_path / "test", {"dog": 120}, each=1)
    bundle = load_data(DataConfig(name="folder", root=str(tmp_path)), scored=True)
    assert (bundle.class_names, len(bundle.test)) == (("dog",), 1)
    with pytest.raises(InputError, match=r"data.root: expected one training set"):
        load_data(DataConfig(name="folder", root=str(tmp_path)))


def test_limits_of_the_training_do_not_stand_in_the_way_of_scoring(tmp_path: Path) -> None:
    root = make_splits(tmp_path, SHADES)
    limits = {"train_limit": 1000, "valid_limit": 2}
    assert len(load_folder(root, network("cat", "dog", "fox"), **limits).test) == 12
    with pytest.raises(InputError, match=r"data.train_limit: expected at most 9, got 1000"):
        load_folder(root, **limits)
    limited = load_folder(root, network("cat", "dog", "fox"), train_limit=6)
    assert torch.equal(limited.train.rows, load_folder(root, train_limit=6).train.rows)


def test_one_image_of_a_class_cannot_be_carved_from(tmp_path: Path) -> None:
    root = make_folder(tmp_path, SHADES, each=1)
    message = r"at least 2 images of every class, since a fifth .*, got 1 of class 'cat'; put all images .* ROOT/test"
    with pytest.raises(InputError, match=message):
        load_folder(root, network("cat", "dog", "fox"))


def test_composed_and_decomposed_letters_are_one_name(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", {"cafe\u0301": 20, "dog": 120})
    make_folder(tmp_path / "test", {"caf\u00e9": 20, "dog": 120}, each=2)
    bundle = load_folder(tmp_path)
    assert bundle.class_names == ("caf\u00e9", "dog")
    assert shown(bundle) == {0: {20}, 1: {120}}
    make_folder(tmp_path / "both", {"cafe\u0301": 20, "caf\u00e9": 120})
    with pytest.raises(InputError, match=r"data.root: expected one folder for each class in .*, got two named caf"):
        load_folder(tmp_path / "both")

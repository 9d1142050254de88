"""What `compare` says, refuses and never does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from wsrnas.attacks import PGD
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.comparison.compare import compare
from wsrnas.evaluation.comparison.paper import paper_rows

ATTACKS = "pgd:steps=2:keep=best"
CIFAR = {"name": "cifar10", "shape": [3, 32, 32], "classes": [f"c{k}" for k in range(10)]}


@pytest.fixture
def make(undefended: nn.Module, digits: Any, tmp_path: Path) -> Any:
    """Make an evaluated folder that says what its data is."""

    def folder(name: str, data: dict[str, Any] | None = None, *, count: int = 30, start: int = 0, classes: int = 10,
               strengths: Any = (0, 0.1), **settings: Any) -> Path:  # fmt: skip
        model = undefended if classes == 10 else nn.Sequential(undefended, nn.Linear(10, classes))
        rows = (digits.labels < classes).nonzero().flatten()[start : start + count]
        given = {"attacks": None if settings.get("protocol") == "released" else ATTACKS, **settings}
        evaluate(model, digits.images[rows], digits.labels[rows], strengths, out=tmp_path / name, **given)
        if data is not None:
            (tmp_path / name / "eval/about.json").write_text(json.dumps({"name": name, "data": data, "note": ""}))
        return tmp_path / name

    return folder


def refused(*folders: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        compare(list(folders), **settings)
    return str(caught.value)


def test_other_data_classes_norms_and_protocols_are_refused_and_named(make: Any) -> None:
    photos = {"name": "folder", "root": "/photos", "classes": ["a", "b", "c", "d"]}
    one = make("one", CIFAR)
    for name, folder, said in (
        ("photos", make("photos", photos, classes=4), ["data cifar10 and folder (/photos)", "10 and 4 classes"]),
        ("norm", make("norm", CIFAR, norm="L2", attacks="pgd:steps=2"), ["strengths in Linf and in L2"]),
        ("other", make("other", {**CIFAR, "name": "svhn"}, start=5), ["data cifar10 and svhn"]),
        ("names", make("names", {**CIFAR, "classes": [f"d{k}" for k in range(10)]}, start=5), ["c3 … (10) and d0"]),
        ("released", make("released", CIFAR, protocol="released"), ["protocols strict and released"]),
    ):
        message = refused(one, folder)
        for text in said:
            assert text in message
        assert f"one and {name}: " in message
        assert "pass --anyway" in message
        assert "\n" not in message
        anyway = str(compare([one, folder], anyway=True))
        assert "Cannot be compared: one and" in " ".join(anyway.split())


def test_two_folders_of_photos_are_other_data_unless_the_images_are_the_same(make: Any) -> None:
    here, there = ({"name": "folder", "root": root} for root in ("/a", "/b"))
    first, same, other = make("first", here), make("same", there), make("other", there, start=40)
    assert compare([first, same]).notes == ()
    assert "data folder (/a) and folder (/b)" in refused(first, other)
    assert "data" not in "".join(compare([first, make("more", here, start=40)]).notes)


def test_counts_attacks_and_strengths_that_differ_are_said(make: Any) -> None:
    one = make("one", CIFAR, count=20)
    said = " ".join(compare([one, make("two", CIFAR, count=30)]).notes)
    assert "one and two: 20 and 30 images" in said
    assert "other images, so no test image by image" in " ".join(
        compare([one, make("three", CIFAR, count=20, start=9)]).notes
    )
    suite = " ".join(compare([one, make("four", CIFAR, count=20, attacks=[PGD(eps=0.1, steps=3)])]).notes)
    assert "attacks PGD-2 and PGD-3" in suite
    settings = " ".join(compare([one, make("five", CIFAR, count=20, attacks=[PGD(eps=0.1, steps=2)])]).notes)
    assert "attacks PGD-2 and PGD-2 with other settings" in settings
    assert "no strength in common" in " ".join(compare([one, make("six", CIFAR, count=20, strengths=[0.3])]).notes)
    make("both", CIFAR, count=20)
    both = make("both", CIFAR, count=20, protocol="released")
    assert "only one of them was measured by released" in " ".join(compare([one, both]).notes)
    assert compare([one, make("seven", CIFAR, count=20)]).notes == ()


def test_the_papers_rows_stand_beside_cifar10_alone(make: Any) -> None:
    cifar = make("cifar", CIFAR)
    small = make("small", {**CIFAR, "shape": [3, 16, 16]})
    photos = make("photos", {"name": "folder", "root": "/p", "classes": list("abcd")}, classes=4)
    printed = len(paper_rows())
    assert len(compare([cifar]).rows) == 1 + printed
    assert len(compare([cifar], paper=False).rows) == 1
    assert len(compare([small]).rows) == 1
    assert len(compare([photos]).rows) == 1
    assert len(compare([cifar, photos], anyway=True).rows) == 2
    for folders in ([photos], [cifar, photos], [small]):
        message = refused(*folders, paper=True, anyway=True)
        assert "paper: expected runs on CIFAR-10 in Linf" in message
    unnamed = make("unnamed")
    assert len(compare([unnamed]).rows) == 1
    assert len(compare([unnamed], paper=True).rows) == 1 + printed


def test_rows_copied_from_other_papers_have_a_label_of_their_own() -> None:
    labels = {row.name: row.protocol for row in paper_rows()}
    assert labels["WsrNet-Basic PGD-7"] == "paper, released protocol"
    assert labels["RACL PGD-7"] == "paper, released protocol"
    assert labels["ResNet-18 PGD-7"] == "copied by the paper from another"
    assert set(labels.values()) == {"paper, released protocol", "copied by the paper from another"}


def test_doubts_about_a_run_are_said(make: Any, undefended: nn.Module, digits: Any, tmp_path: Path) -> None:
    good = make("good", CIFAR)
    bad = nn.Sequential(undefended, nn.Softmax(dim=1))
    evaluate(bad, digits.images[:30], digits.labels[:30], [0, 0.1], attacks=ATTACKS, out=tmp_path / "bad")
    comparison = compare([good, tmp_path / "bad"])
    assert [one.split(":")[0] for one in comparison.doubts] == ["bad"]
    assert "Doubt about bad: The outputs are probabilities" in str(comparison)
    assert "Doubt about bad" in comparison.markdown()
    comparison.write(tmp_path / "page")
    assert "Doubt about bad" in (tmp_path / "page/compare.html").read_text()


def test_the_command_line_refuses_and_gives_way(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = make("one", CIFAR), make("two", {"name": "svhn"}, start=4)
    assert main(["compare", str(one), str(two)]) == 2
    assert "data cifar10 and svhn" in capsys.readouterr().err
    assert main(["compare", str(one), str(two), "--anyway"]) == 0
    assert "Cannot be compared" in capsys.readouterr().out


def test_damaged_descriptions_are_refused(make: Any) -> None:
    one = make("one", CIFAR)
    for content in ("{", "[]", '{"data": 3}'):
        (one / "eval/about.json").write_text(content)
        assert "about.json: " in refused(one)

"""`wsrnas zoo`: readable at 80 columns, complete as JSON, and no promise of weights."""

import json
import re

import pytest

from wsrnas import zoo
from wsrnas.cli import main
from wsrnas.weights import shipped


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def shown(capsys, *arguments):
    assert main(["zoo", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_fits_80_columns_and_says_which_weights_come_with_it(capsys):
    lines = shown(capsys, "list").splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert sum("weights" in line for line in lines) == 1
    assert all(name in lines[-6] + lines[-5] + lines[-7] for name in shipped())
    table = {line.split()[0]: line.split() for line in lines[1 : 1 + len(zoo.list_models())]}
    assert list(table) == zoo.list_models()
    assert table["advrush"] == ["advrush", "cells", "4.16", "M", "published", "Tables", "1,", "2"]
    assert table["robnet-m"] == ["robnet-m", "robnet", "-", "unpublished", "Tables", "1,", "2"]
    assert table["wrn-34-r"][4:] == ["published", "other", "papers"]


def test_the_list_as_json_has_every_card(capsys):
    found = json.loads(shown(capsys, "list", "--json"))
    assert [entry["name"] for entry in found] == zoo.list_models()
    assert {entry["name"]: tuple(entry["weights"] or ()) for entry in found} == {
        name: shipped(name) for name in zoo.list_models()
    }
    (basic,) = json.loads(shown(capsys, "list", "wsrnet-basic", "--json"))
    assert (basic["parameters"], basic["parameters_millions"], basic["tables"]) == (4544830, 4.5448, [1, 2, 3])


def test_a_list_of_one_takes_any_spelling(capsys):
    assert shown(capsys, "list", "WsrNet Basic").splitlines()[1].startswith("wsrnet-basic ")
    assert main(["zoo", "list", "wsrnet-basik*"]) == 2
    assert "did you mean 'wsrnet-basic'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["WsrNet-Basic", "robnet-m", "metaqnn", "wrn-34-r", "resnet-50-imagenet", "croze"])
def test_a_card_fits_80_columns(name, capsys):
    assert max(map(len, shown(capsys, "show", name).splitlines())) <= 80


def test_a_card_says_size_source_and_who_measured(capsys):
    text = " ".join(shown(capsys, "show", "WsrNet-Basic").split())
    assert "size 45 channels, 20 cells, cifar stem, drop path 0 " in text
    assert "parameters 4,544,830 counted, 4.5 M in print multiply-adds 713,671,200 for an image of 3x32x32" in text
    assert "peak memory 21.9 MiB at batch 1, counted weights wsrnet-basic.standard-digits (small" in text
    assert "search for one wsrnas search --recipe paper-basic" in text
    assert "PGD-7 80.8 48.9 22.3 15.7 12.4 24.8 62.2 authors 1" in text
    assert "no evidence beside strict numbers" in text
    text = " ".join(shown(capsys, "show", "robnet_medium").split())
    assert "architecture never published parameters 5.7 M in print" in text
    assert "search for one wsrnas search --recipe naive-1 --strategy random" in text
    assert "PGD-7 78.3 49.1 54.6 copied 1" in text
    assert "no evidence beside" not in shown(capsys, "show", "wrn-34-r")


def test_a_card_as_json_is_the_card_counted(capsys):
    found = json.loads(shown(capsys, "show", "RACL", "--json"))
    budget, adds = found.pop("budget"), found.pop("multiply_adds")
    assert found == json.loads(json.dumps(zoo.card("racl").to_dict()))
    assert (budget["parameters"], budget["multiply_adds"], budget["latency"]) == (found["parameters"], adds, None)
    assert found["published"][0]["robust"]["0.03"] == 47.9
    assert json.loads(shown(capsys, "show", "robnet", "--json"))["parameters"] is None


def test_a_card_names_the_weights_that_come_with_wsrnas(capsys):
    text = " ".join(shown(capsys, "show", "resnet-18").split())
    assert f"weights {', '.join(shipped('resnet-18'))} (small" in text


def test_drawing_and_genotype(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(capsys, "draw", "CRoZe").strip() == "croze.svg"
    assert (tmp_path / "croze.svg").read_text().lstrip().startswith("<svg")
    assert json.loads(shown(capsys, "genotype", "LRNAS"))["cells"]["reduce"]["edges"][0] == ["none", 0, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show",), "name: expected a model of the zoo, got nothing; wsrnas zoo list shows them"),
        (("shoe",), "did you mean 'show'?"),
        (("draw", "resnet-18"), "expected a model with a genotype, got 'resnet-18', a resnet"),
        (("draw", "racl", "--json"), "--json: expected it with list or show, got draw"),
        (("genotype", "wsrnet-naive-6"), "`wsrnas search --recipe naive-6` makes such a one"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["zoo", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_card_is_measured_where_asked_and_says_on_what(capsys):
    text = " ".join(shown(capsys, "show", "resnet-18", "--measure", "--batch", "2", "--device", "cpu").split())
    assert re.search(r"latency [\d.e+]+ ms, 95 % below [\d.e+]+ ms \(cpu, \d+ threads?, batch 2, \d+ passes\)", text)
    for arguments, message in (
        (("show", "robnet-m", "--measure"), "--measure: expected a model that can be built, got robnet-m"),
        (("list", "--measure"), "--measure: expected it with show, got list"),
        (("draw", "racl", "--measure"), "--measure: expected it with show, got draw"),
        (("show", "racl", "--batch", "0"), "--batch: expected at least 1, got 0"),
    ):
        assert main(["zoo", *arguments]) == 2
        assert message in capsys.readouterr().err

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from tests.conftest import data_root
from torch import nn

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.weights import shipped
from wsrnas.zoo.card import Card

BUILDABLE = [name for name in zoo.list_models() if zoo.card(name).architecture is not None]
TABLES_1_AND_2 = [
    "wrn-34-10",
    "resnet-50",
    "resnet-18",
    "amoebanet",
    "pvll",
    "nas-net",
    "darts",
    "robnet-s",
    "robnet-m",
    "robnet-l",
    "racl",
    "advrush",
    "e2r-nas",
    "nas-ood",
    "wsrnet-naive-1",
    "wsrnet-naive-3",
    "wsrnet-naive-6",
    "wsrnet-basic",
    "wsrnet-robust",
    "wsrnet-plus",
]
TABLE_4 = ["resnet-50-imagenet", "racl-imagenet", "advrush-imagenet", "wsrnet-basic-imagenet"]


@pytest.fixture(scope="module")
def facts():
    path = data_root().parent / "facts" / "architectures.json"
    if not path.is_file():
        pytest.skip(f"no list of counted architectures at {path}; set WSRNAS_DATA to the folder beside it")
    return json.loads(path.read_text())


def tiny(name):
    family = zoo.card(name).family
    layers = {"cells": 3, "wide-resnet": 10, "robnet": 20 if name == "robnet-free" else 3}.get(family)
    width = 8 if family.endswith("resnet") else 2
    return zoo.create(name, num_classes=4, image_shape=(1, 8, 8), channels=width, layers=layers)


def test_every_model_of_the_tables_has_a_card():
    for table, names in ((1, TABLES_1_AND_2), (2, TABLES_1_AND_2), (4, TABLE_4)):
        shown = {name for name in zoo.list_models() if any(table in row.tables for row in zoo.card(name).published)}
        assert shown == set(names)


@pytest.fixture
def no_initialisation(monkeypatch):
    """Weights are not needed to count them."""
    for name in ("kaiming_uniform_", "kaiming_normal_", "uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)


@pytest.mark.parametrize("name", BUILDABLE)
def test_the_card_says_how_many_parameters_the_built_network_has(name, no_initialisation):
    with torch.device("meta"):
        network = zoo.create(name)
    assert sum(parameter.numel() for parameter in network.parameters()) == zoo.card(name).parameters


def test_counts_are_those_of_the_facts_to_the_last_digit(facts):
    counted = [entry for entry in (*facts["models"], *facts["extras"]) if entry.get("params_counted_M") is not None]
    assert len(counted) >= 25
    for entry in counted:
        key = entry["name"].removesuffix(" (ablation net 5)")
        name = zoo.find(key.split(" (cna")[0])
        assert zoo.card(name).parameters_millions == entry["params_counted_M"], key
        assert zoo.network_settings(name).channels == entry.get("init_channels", zoo.card(name).channels), key


@pytest.mark.parametrize(
    "name", [name for name in BUILDABLE if any(row.paper.startswith("Huang") for row in zoo.card(name).published)]
)
def test_counts_are_the_published_ones_rounded_where_nothing_finer_was_published(name):
    """Huang et al. print three digits of millions."""
    printed = zoo.card(name).parameters_millions_paper
    half = 0.5 if printed >= 100 else 0.05
    assert abs(zoo.card(name).parameters / 1e6 - printed) <= half


@pytest.mark.parametrize("name", BUILDABLE)
def test_every_parameter_gets_a_gradient(name):
    network = tiny(name)
    network(torch.rand(2, 1, 8, 8)).square().sum().backward()
    assert [key for key, p in network.named_parameters() if p.grad is None] == []
    assert network.eval()(torch.rand(2, 1, 8, 8)).shape == (2, 4)


@pytest.mark.parametrize("name", zoo.list_models())
def test_cards_are_coherent(name):
    card = zoo.card(name)
    assert card.name == name
    assert (card.status == "unpublished") == (card.architecture is None) == (card.parameters is None)
    assert (card.channels is None) == (card.layers is None) == (card.architecture is None)
    assert card.architecture is not None or card.search
    assert (card.drop_path is None) == (card.family not in ("cells", "robnet") or card.architecture is None)
    assert all((card.title, card.source, card.licence))
    assert card.notes or card.status == "published"
    for row in card.published:
        accuracies = [row.natural, row.fgsm, row.robust_mean, *row.robust.values()]
        assert all(0 <= accuracy <= 100 for accuracy in accuracies if accuracy is not None)
        assert list(row.robust) == sorted(row.robust)
        assert (row.source == "copied") == ("quoted" in row.measured_by)
        assert bool(row.tables) == (row.row is not None)
        rest = row.robust_mean_over is not None and list(row.robust_mean_over) == list(row.robust)
        if rest and (name, row.training) != ("robnet-s", "TRADES-1"):
            assert row.robust_mean == pytest.approx(sum(row.robust.values()) / len(row.robust), abs=0.051)


@pytest.mark.parametrize("name", zoo.list_models())
def test_a_card_survives_json(name):
    data = json.loads(json.dumps(zoo.card(name).to_dict()))
    assert tuple(data["weights"] or ()) == shipped(name)
    extra = {"parameters_millions", "tables", "weights"}
    assert Card.from_dict({key: value for key, value in data.items() if key not in extra}) == zoo.card(name)


def test_no_card_lies_in_a_folder_under_another_name():
    folder = Path(zoo.__file__).parent / "cards"
    assert sorted(path.stem for path in folder.glob("*.json")) == zoo.list_models()


def test_the_same_cells_are_trained_as_basic_and_robust_and_plus_is_m_1():
    assert zoo.genotype("wsrnet-basic") == zoo.genotype("wsrnet-robust") == zoo.genotype("wsrnet-basic-imagenet")
    plus, narrow = zoo.genotype("wsrnet-plus"), zoo.genotype("wsrnet-m-1")
    from wsrnas.spaces import get_space

    assert plus != narrow
    assert get_space("darts").canonical(plus) == get_space("darts").canonical(narrow)


def test_normalisation_is_part_of_the_model():
    network = zoo.create("resnet-18", channels=2, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    assert network.normalize.mean.flatten().tolist() == pytest.approx([0.5, 0.4, 0.3])


@pytest.mark.parametrize("name", ["advrush", "wsrnet-basic-imagenet", "robnet-s", "wrn-34-r", "resnet-50", "resnet-18"])
def test_settings_say_what_the_network_is_built_from(name):
    settings, card = zoo.network_settings(name, num_classes=7, mean=(0.5,), std=(0.2,)), zoo.card(name)
    assert (settings.channels, settings.layers, settings.stem) == (card.channels, card.layers, card.stem)
    assert settings.from_card
    with torch.device("meta"):
        again = zoo.create(name, **settings.arguments())
    assert sum(parameter.numel() for parameter in again.parameters()) == settings.parameters()
    narrow = zoo.network_settings(name, channels=4)
    assert not narrow.from_card
    assert narrow.parameters() < settings.parameters()


def test_the_stem_of_a_card_can_be_changed():
    large, small = zoo.network_settings("racl-imagenet"), zoo.network_settings("racl-imagenet", stem="cifar")
    with torch.device("meta"):
        assert type(large.build().stem).__name__ == "ImageNetStem"
        assert type(small.build().stem).__name__ == "CifarStem"
        assert type(zoo.create("robnet-s", stem="imagenet").stem).__name__ == "ImageNetStem"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.create("wsrnet-basics"), "^model: expected a model of the zoo, got 'wsrnet-basics'; did you mean"),
        (
            lambda: zoo.create("robnet-m"),
            "^model: expected a model whose architecture was published, got 'robnet-m'; No",
        ),
        (
            lambda: zoo.create("WsrNet-Naive-3"),
            r"got 'wsrnet-naive-3'; .* `wsrnas search --recipe naive-3` makes such a one$",
        ),
        (lambda: zoo.create("RobNet"), "got 'robnet'; A search, not one network: what it found are robnet-s, robnet-m"),
        (
            lambda: zoo.genotype("resnet-18"),
            "^model: expected a model with a genotype, got 'resnet-18', a resnet; those",
        ),
        (
            lambda: zoo.create("resnet-18", layers=20),
            "^layers: expected nothing, the depth of resnet-18 is part of its name, got 20; leave it out, or give 18$",
        ),
        (lambda: zoo.create("robustresnet-a1", layers=3), "^layers: expected nothing, the depth of robustresnet-a1"),
        (lambda: zoo.create("wsrnet-basic", num_classes=0), "^create: expected sizes of at least 1, got 0 classes"),
        (lambda: zoo.create("wsrnet-basic", layers=0), "^create: expected sizes of at least 1, got .* 0 layers$"),
        (lambda: zoo.create("wrn-34-10", layers=12), "^layers: expected a depth of 6n"),
        (lambda: zoo.create("wrn-34-10", stem="imagenet"), "^stem: expected 'cifar', the only one of a wide-resnet"),
        (lambda: zoo.create("advrush", stem="imagnet"), "^stem: .* did you mean 'imagenet'"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_remedy(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_cards_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        zoo.card("darts").name = "other"

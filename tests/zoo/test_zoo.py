import dataclasses

import pytest
import torch
from torch import nn

from wsrnas import zoo
from wsrnas.errors import InputError

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


@pytest.fixture
def no_initialisation(monkeypatch):
    """Weights are not needed to count them."""
    for name in ("kaiming_uniform_", "kaiming_normal_", "uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)


def tiny(name):
    family = zoo.card(name).family
    layers = {"cells": 3, "wide-resnet": 10}.get(family, 20 if name == "robnet-free" else 3)
    return zoo.create(
        name,
        num_classes=4,
        image_shape=(1, 8, 8),
        channels=8 if family == "wide-resnet" else 2,
        layers=None if family == "resnet" else layers,
    )


def test_every_model_of_the_tables_has_a_card():
    for table, names in ((1, TABLES_1_AND_2), (2, TABLES_1_AND_2), (4, TABLE_4)):
        shown = {name for name in zoo.list_models() if any(table in row.tables for row in zoo.card(name).published)}
        assert shown == set(names)


@pytest.mark.parametrize("name", BUILDABLE)
def test_parameter_counts_are_those_of_the_published_networks(name, no_initialisation):
    with torch.device("meta"):
        network = zoo.create(name)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 4) == zoo.card(name).parameters_millions


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
    assert (card.status == "unpublished") == (card.architecture is None) == (card.parameters_millions is None)
    assert all((card.title, card.source, card.licence))
    assert card.notes or card.status == "published"
    for row in card.published:
        accuracies = [row.natural, row.fgsm, row.robust_mean, *row.robust.values()]
        assert all(0 <= accuracy <= 100 for accuracy in accuracies if accuracy is not None)
        assert list(row.robust) == sorted(row.robust)
        rest = row.robust_mean_over is not None and list(row.robust_mean_over) == list(row.robust)
        if rest and (name, row.training) != ("robnet-s", "TRADES-1"):
            assert row.robust_mean == pytest.approx(sum(row.robust.values()) / len(row.robust), abs=0.051)


def test_published_numbers_spot_checked_against_the_paper():
    basic = {row.training: row for row in zoo.card("wsrnet-basic").published}
    assert basic["PGD-7"].robust == {0.03: 48.9, 0.1: 22.3, 0.17: 15.7, 0.25: 12.4}
    assert (basic["PGD-7"].natural, basic["PGD-7"].fgsm, basic["TRADES-1"].robust_mean) == (80.8, 62.2, 22.4)
    (large,) = zoo.card("wsrnet-basic-imagenet").published
    assert (large.training, large.natural, large.robust) == ("Fast-AT", 57.2, {0.015: 31.0, 0.045: 5.3, 0.075: 1.3})


def test_names_are_listed_by_pattern():
    assert zoo.list_models("wrn-*") == ["wrn-34-10"]
    assert zoo.list_models("*-imagenet") == sorted(TABLE_4)
    assert zoo.list_models("nothing*") == []


def test_the_same_cells_are_trained_as_basic_and_robust_and_plus_is_m_1():
    assert zoo.genotype("wsrnet-basic") == zoo.genotype("wsrnet-robust") == zoo.genotype("wsrnet-basic-imagenet")
    plus, narrow = zoo.genotype("wsrnet-plus"), zoo.genotype("wsrnet-m-1")
    from wsrnas.spaces import get_space

    assert plus != narrow
    assert get_space("darts").canonical(plus) == get_space("darts").canonical(narrow)


def test_normalisation_is_part_of_the_model():
    network = zoo.create("resnet-18", channels=2, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    assert network.normalize.mean.flatten().tolist() == pytest.approx([0.5, 0.4, 0.3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.create("wsrnet-basics"), "^model: expected a model of the zoo, got 'wsrnet-basics'; did you mean"),
        (
            lambda: zoo.create("robnet-m"),
            "^model: expected a model whose architecture was published, got 'robnet-m'; No",
        ),
        (
            lambda: zoo.genotype("resnet-18"),
            "^model: expected a model with a genotype, got 'resnet-18', a resnet; those",
        ),
        (
            lambda: zoo.create("resnet-18", layers=20),
            "^layers: expected nothing, the depth of resnet-18 is part of its",
        ),
        (lambda: zoo.create("wsrnet-basic", num_classes=0), "^create: expected sizes of at least 1, got 0 classes"),
        (lambda: zoo.create("wrn-34-10", layers=12), "^layers: expected a depth of 6n"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_remedy(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_cards_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        zoo.card("darts").name = "other"

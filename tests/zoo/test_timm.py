"""Our networks in timm's registry, against a stand-in that registers and calls them as timm 1.0 does."""

import sys
import types

import pytest
import torch

import wsrnas.zoo.timm as ours
from wsrnas import zoo
from wsrnas.errors import InputError


@pytest.fixture
def timm(monkeypatch):
    """`register_model` and `create_model` of timm.models, as far as a model of another package meets them."""
    known = {}
    models = types.ModuleType("timm.models")

    def register_model(entry):
        assert sys.modules[entry.__module__] is ours
        known[entry.__name__] = entry
        return entry

    def create_model(name, pretrained=False, **settings):
        name, _, tag = name.partition(".")
        passed = {key: value for key, value in settings.items() if value is not None}
        filled = {"pretrained_cfg": tag or None, "pretrained_cfg_overlay": None, "cache_dir": None}
        return known[name](pretrained=pretrained, **filled, **passed)

    models.register_model, models.create_model, models.known = register_model, create_model, known
    package = types.ModuleType("timm")
    package.models = models
    monkeypatch.setitem(sys.modules, "timm", package)
    monkeypatch.setitem(sys.modules, "timm.models", models)
    return models


def test_every_network_that_can_be_built_is_registered_once(timm):
    names = ours.register()
    assert ours.register() == names == list(timm.known)
    assert {"wsrnas_racl", "wsrnas_wsrnet_basic", "wsrnas_wrn_34_10"} <= set(names)
    assert len(names) == sum(zoo.card(name).architecture is not None for name in zoo.list_models())
    assert "wsrnas_robnet_m" not in names


def test_sizes_go_by_the_names_of_timm_and_the_configuration_says_what_goes_in(timm):
    ours.register()
    sizes = {"num_classes": 7, "in_chans": 1, "img_size": 16, "channels": 4, "layers": 3}
    model = timm.create_model("wsrnas_racl", drop_rate=None, **sizes)
    assert model(torch.rand(2, 1, 16, 16)).shape == (2, 7)
    assert model.num_classes == model.pretrained_cfg["num_classes"] == 7
    assert model.default_cfg["input_size"] == (1, 16, 16)
    assert (model.default_cfg["mean"], model.default_cfg["std"]) == ((0.0,), (1.0,))
    with pytest.raises(InputError, match=r"create_model: drop_rate: expected num_classes, in_chans, img_size or what"):
        timm.create_model("wsrnas_racl", drop_rate=0.1)


def test_a_tag_names_weights_that_come_with_wsrnas(timm):
    ours.register()
    model = timm.create_model("wsrnas_resnet_18.trades_digits", pretrained=True)
    images = torch.rand(3, 1, 8, 8)
    assert torch.equal(model(images), zoo.create("resnet-18", weights="resnet-18.trades-digits")(images))
    assert model.pretrained_cfg["input_size"] == (1, 8, 8)
    with pytest.raises(
        InputError, match=r"pretrained: expected weights of racl that come with wsrnas, got none; leave"
    ):
        timm.create_model("wsrnas_racl", pretrained=True)
    with pytest.raises(InputError, match=r"got the tag 'other'; known tags: .*trades_digits"):
        timm.create_model("wsrnas_resnet_18.other", pretrained=True)


def test_without_timm_one_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"^wsrnas.zoo.timm: timm cannot be imported .*; pip install timm$"):
        ours.register()

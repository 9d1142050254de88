"""The Python API: the verbs of the command line, typed, and light until used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

import wsrnas
from wsrnas.errors import InputError
from wsrnas.search.result import SearchResult

TINY = {
    "data": {"train_limit": 64, "valid_limit": 40, "test_limit": 30},
    "space": {"name": "nb201", "channels": 2, "layers": 3},
    "training": {"images": 32, "batch_size": 32, "steps": 1},
    "measure": {"images": 32, "batch_size": 32},
    "noise_estimator": {"fidelity_images": 32},
    "budget": {"population": 1, "iterations": 1},
    "finalists": {"count": 1, "attack_steps": 1},
    "rivals": {"count": 0},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A search, the training of its winner, and its evaluation, by three lines."""
    root = tmp_path_factory.mktemp("api")
    found = wsrnas.search("digits", out=root / "a", **TINY)
    trained = wsrnas.train(
        found.path,
        "pgd-digits",
        out=root / "b",
        epochs=1,
        batch_size=20,
        **{"data.train_limit": 60, "data.test_limit": 30},
    )
    curves = wsrnas.evaluate(trained.path, strengths="0,0.1", suite="fast", limit=20, progress=False)
    return found, trained, curves


def test_a_search_returns_what_it_found(runs):
    found, _, _ = runs
    assert isinstance(found, SearchResult)
    assert found == SearchResult.read(found.path)
    assert found.genotype.id == found.winner.id == found.finalists[0].id
    assert found.strategy == "wsr-nas"
    assert sum(found.spent.values()) == found.cost
    shown = str(found)
    assert found.winner.id in shown
    assert shown.endswith(f"report: {found.report}")
    with pytest.raises(AttributeError):
        found.seed = 3


def test_the_same_call_goes_on_and_another_is_refused(runs):
    found, _, _ = runs
    again = wsrnas.search("digits", out=found.path, **TINY)
    assert replace(again, seconds=found.seconds) == found
    with pytest.raises(InputError, match=r"seed .was 0, now 1"):
        wsrnas.search("digits", out=found.path, seed=1, **TINY)


def test_a_trained_network_is_loaded_with_its_contract(runs):
    _, trained, curves = runs
    model = wsrnas.load(trained.path)
    assert not model.training
    assert (model.num_classes, model.image_shape) == (10, (1, 8, 8))
    images = torch.rand(3, 1, 8, 8)
    assert model(images).shape == (3, 10)
    assert len(model.classify(images)) == 3
    assert curves["strict"].images == 20


def test_settings_that_do_not_exist_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="did you mean 'space'"):
        wsrnas.search("digits", out=tmp_path / "a", spaces={"channels": 3})
    with pytest.raises(InputError, match="did you mean 'epochs'"):
        wsrnas.train("racl", "pgd-digits", out=tmp_path / "b", epoch=3)
    with pytest.raises(InputError, match="a folder with network.json"):
        wsrnas.load(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, wsrnas; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there_and_the_room_of_the_search_is_callable():
    for name in wsrnas.__all__:
        assert getattr(wsrnas, name) is not None, name
    room = importlib.import_module("wsrnas.search.config")
    assert callable(wsrnas.search)
    assert wsrnas.search.config is room
    with pytest.raises(AttributeError, match="no attribute 'serch'"):
        getattr(wsrnas, "serch")  # noqa: B009


def test_verbs_that_share_a_name_with_a_room_can_be_called(tmp_path):
    importlib.import_module("wsrnas.report.page")
    for verb in (wsrnas.report, wsrnas.search, wsrnas.export, wsrnas.reproduce):
        assert callable(verb)
    with pytest.raises(InputError):
        wsrnas.report(tmp_path / "nothing")

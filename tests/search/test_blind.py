"""Architectures whose output does not depend on the image: measured like all others, never named or compared with."""

import pytest
import torch

import wsrnas
from wsrnas.configure import configured
from wsrnas.data import load_data
from wsrnas.errors import InputError
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.evaluators.scoring import blind
from wsrnas.search.finalists.rivals import random_rivals
from wsrnas.search.setup import network_config
from wsrnas.search.strategies.random_search import RandomSearch
from wsrnas.spaces import get_space

NB201 = get_space("nb201")
CUT = NB201.parse("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|none~2|")
WHOLE = NB201.parse("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|")
SETTINGS = {
    "space": {"name": "nb201", "channels": 2, "layers": 1},
    "data.train_limit": 96,
    "data.valid_limit": 64,
    "data.test_limit": 40,
    "training.steps": 1,
    "training.batch_size": 32,
    "measure.images": 32,
    "measure.batch_size": 32,
    "noise_estimator.fidelity_every": 1,
    "noise_estimator.fidelity_images": 32,
    "rivals.count": 0,
    "finalists.epochs": 0,
    "budget": {"population": 1, "iterations": 1},
}


@pytest.mark.parametrize("preset", ["ours", "paper"])
def test_what_sees_nothing_loses_the_same_at_every_strength(preset):
    config = configured(SearchConfig, "search", "digits", SETTINGS, preset=preset)
    evaluator = OneShot(config, load_data(config.data, 0), Runtime(config.runtime))
    architecture = evaluator.space.architecture(CUT)
    evaluator.warm_up(architecture)
    losses = evaluator.measure(architecture)
    assert torch.allclose(losses, losses[0].expand_as(losses))
    assert torch.isfinite(losses).all()
    (verified,) = evaluator.verify([architecture])
    assert torch.allclose(verified, verified[0].expand_as(verified))
    seen = evaluator.measure(evaluator.space.architecture(WHOLE))
    assert not torch.allclose(seen, seen[0].expand_as(seen), atol=1e-6)


def test_a_cut_cell_is_blind_and_no_rival():
    config = configured(SearchConfig, "search", "digits", SETTINGS)
    sizes = network_config(config, load_data(config.data, 0))
    state = torch.get_rng_state()
    assert blind(NB201, CUT, sizes)
    assert not blind(NB201, WHOLE, sizes)
    assert torch.equal(torch.get_rng_state(), state)
    rivals = random_rivals(NB201, WHOLE, sizes, 60, seed=0)
    assert len(rivals) == 60
    assert not any(blind(NB201, rival, sizes) for rival in rivals)


def test_a_search_names_what_sees_or_says_that_nothing_did(tmp_path, monkeypatch):
    monkeypatch.setattr(RandomSearch, "finalists", lambda self, count: [CUT, WHOLE])
    found = wsrnas.search("digits", out=tmp_path / "a", strategy="random", **SETTINGS)
    assert found.genotype == WHOLE
    monkeypatch.setattr(RandomSearch, "finalists", lambda self, count: [CUT])
    with pytest.raises(InputError, match="expected an architecture with a path from the image to the output"):
        wsrnas.search("digits", out=tmp_path / "b", strategy="random", **SETTINGS)

"""Finalists trained alone: charged as foreseen, and the same again where a run was interrupted."""

import pytest
import torch

from wsrnas.data import DataConfig, load_data
from wsrnas.rng import stream
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.config import FinalistsConfig, MeasureConfig, SearchConfig, SpaceConfig, TrainingConfig
from wsrnas.search.costs import FINALISTS
from wsrnas.search.finalists.alone import train_alone
from wsrnas.search.plan import plan
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.search.wsr.propose import distinct_samples
from wsrnas.spaces import get_space

CONFIG = SearchConfig(
    data=DataConfig(name="digits", train_limit=64, valid_limit=32, test_limit=40),
    space=SpaceConfig(name="nb201", channels=2, layers=3),
    spectrum=SpectrumConfig(strengths=[0.1, 0.2]),
    training=TrainingConfig(steps=2, batch_size=32, strength=0.1),
    measure=MeasureConfig(images=32, batch_size=16),
    finalists=FinalistsConfig(count=2, epochs=2, attack_steps=2),
)


def trained(path, finalists):
    data = load_data(CONFIG.data, CONFIG.seed)
    folder = RunFolder.open(path, kind="search", config={})
    try:
        return train_alone(CONFIG, data, Runtime(CONFIG.runtime), finalists, folder)
    finally:
        folder.close()


@pytest.fixture
def finalists():
    return distinct_samples(get_space("nb201"), 2, lambda index: stream(0, "finalists", index))


def test_costs_what_the_plan_foresees(tmp_path, finalists):
    found = trained(tmp_path, finalists)
    assert found.passes == plan(CONFIG).passes[FINALISTS]
    assert [len(losses) for losses in found.losses] == [3, 3]
    assert all(bool((losses.diff() > 0).all()) for losses in found.losses), "stronger noise, higher loss"


def test_a_training_interrupted_after_one_finalist_ends_the_same(tmp_path, finalists):
    whole = trained(tmp_path / "whole", finalists)
    trained(tmp_path / "again", finalists[:1])
    again = trained(tmp_path / "again", finalists)
    assert all(torch.equal(one, other) for one, other in zip(whole.losses, again.losses))

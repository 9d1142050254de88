"""Finalists trained alone: charged as foreseen, and the same again where a run was interrupted."""

from dataclasses import replace

import pytest
import torch

from wsrnas.data import DataConfig, load_data
from wsrnas.rng import stream
from wsrnas.runs import RunFolder
from wsrnas.runtime import RuntimeConfig
from wsrnas.search.config import (
    FinalistsConfig,
    MeasureConfig,
    RivalsConfig,
    SearchConfig,
    SpaceConfig,
    TrainingConfig,
)
from wsrnas.search.costs import FINALISTS
from wsrnas.search.finalists.alone import train_alone
from wsrnas.search.finalists.rivals import train_rivals
from wsrnas.search.plan import plan
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.search.wsr.known import distinct_samples
from wsrnas.spaces import get_space

CONFIG = SearchConfig(
    data=DataConfig(name="digits", train_limit=64, valid_limit=32, test_limit=40),
    space=SpaceConfig(name="nb201", channels=2, layers=3),
    spectrum=SpectrumConfig(strengths=[0.1, 0.2]),
    training=TrainingConfig(steps=2, batch_size=32, strength=0.1),
    measure=MeasureConfig(images=32, batch_size=16),
    finalists=FinalistsConfig(count=2, epochs=2, attack_steps=2),
)


def trained(path, finalists, workers=1):
    config = replace(CONFIG, runtime=RuntimeConfig(device="cpu", workers=workers))
    data = load_data(CONFIG.data, CONFIG.seed)
    with RunFolder.open(path, kind="search", config={}) as folder:
        return train_alone(config, data, finalists, folder)


@pytest.fixture
def finalists():
    return distinct_samples(get_space("nb201"), 2, lambda index: stream(0, "finalists", index))


@pytest.mark.usefixtures("timed_for_a_moment")
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


@pytest.mark.slow
def test_two_processes_find_what_one_finds_bit_for_bit(tmp_path, finalists):
    one, two = (trained(tmp_path / str(workers), finalists, workers) for workers in (1, 2))
    assert two.passes == one.passes
    assert all(torch.equal(mine, other) for mine, other in zip(two.losses, one.losses))
    for file in ("1/model.safetensors", "2/model.safetensors", "2/metrics.jsonl"):
        assert (tmp_path / "2" / "finalists" / file).read_bytes() == (tmp_path / "1" / "finalists" / file).read_bytes()


@pytest.mark.slow
def test_two_processes_score_rivals_as_one_does(tmp_path, finalists):
    found = []
    for workers in (1, 2):
        config = replace(
            CONFIG,
            runtime=RuntimeConfig(device="cpu", workers=workers),
            rivals=RivalsConfig(count=1, epochs=1, images=20, attack_steps=1),
        )
        data = load_data(CONFIG.data, CONFIG.seed)
        with RunFolder.open(tmp_path / str(workers), kind="search", config={}) as folder:
            found.append(train_rivals(config, data, finalists[0], folder))
    assert found[0] == found[1]
    assert found[0]["images"] == 20

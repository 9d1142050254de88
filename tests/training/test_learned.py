"""Networks that learned nothing are named as such; networks that learned something are not."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.made_network import MadeNetwork
from torch import nn

from wsrnas.data import DataConfig, load_data
from wsrnas.parts import PartConfig
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.training.config import OptimizerConfig, SelectionConfig, TrainConfig
from wsrnas.training.held_out import HeldOut, measure_held_out
from wsrnas.training.train import train

CLASSES = ("ant", "bee", "cat", "dog")


def held_out(table):
    """A measurement from the numbers of images of each class (rows) taken for each class (columns)."""
    images = sum(map(sum, table))
    right = sum(table[k][k] for k in range(len(table)))
    predictions = tuple(sum(row[k] for row in table) for k in range(len(table[0])))
    return HeldOut(right / images, None, images, tuple(map(sum, table)), predictions)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([[6, 0, 0, 0]] * 4, "it takes all 24 images for class 'ant'"),
        ([[0, 0, 9]] * 3, "it takes all 27 images for class 'cat'"),
        ([[0, 0, 0, 0, 8]] * 5, "it takes all 40 images for class number 4"),
        ([[2, 1, 2, 1]] * 4, "6 of 24 images are right, and about 6 would be were its answers given at random"),
        ([[90, 0], [10, 0]], "it takes all 100 images for class 'ant'"),
        ([[89, 1], [10, 0]], "89 of 100 images are right, and about 89 would be"),
        ([[0, 6], [6, 0]], "0 of 12 images are right"),
        ([[6, 0, 0], [6, 0, 0], [5, 1, 0]], "6 of 18 images are right"),
    ],
)
def test_nothing_is_learned(table, reason):
    said = held_out(table).learned_nothing(CLASSES)
    assert said is not None
    assert said.startswith("this network has learned nothing")
    assert reason in said


@pytest.mark.parametrize(
    "table",
    [
        [[5, 1, 0, 0], [1, 5, 0, 0], [0, 1, 5, 0], [1, 0, 0, 5]],
        [[85, 5], [5, 5]],
        [[20, 10], [10, 20]],
        [[60, 40, 40, 40], [40, 60, 40, 40], [40, 40, 60, 40], [40, 40, 40, 60]],
        [[6, 0], [0, 0]],
        [[0, 9, 0]],
    ],
)
def test_something_is_learned_or_cannot_be_judged(table):
    """Also on unequal classes, where always guessing the commonest would be right as often."""
    assert held_out(table).learned_nothing(CLASSES) is None


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_random_answers_are_seldom_taken_for_learning(seed):
    generator = torch.Generator().manual_seed(seed)
    alarms = 0
    for _ in range(40):
        labels, answers = (torch.randint(4, (60,), generator=generator) for _ in range(2))
        table = [[int(((labels == row) & (answers == column)).sum()) for column in range(4)] for row in range(4)]
        alarms += held_out(table).learned_nothing(CLASSES) is None
    assert alarms <= 10  # 2 expected at the level of 5 %


def test_counts_are_those_of_labels_and_predictions():
    data = load_data(DataConfig(name="digits", valid_fraction=0.2, train_limit=128), 0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    images, labels = data.valid.fetch(torch.arange(50))
    with torch.no_grad():
        answers = model(images).argmax(1)
    measured = measure_held_out(
        model, data.valid, strength=None, steps=1, images=50, batch_size=16, seed=0,
        runtime=Runtime(RuntimeConfig(device="cpu")),
    )  # fmt: skip
    assert measured.labels == tuple(torch.bincount(labels, minlength=10).tolist())
    assert measured.predictions == tuple(torch.bincount(answers, minlength=10).tolist())


@pytest.mark.parametrize("valid_fraction", [0.2, 0.0])
@pytest.mark.parametrize(("rate", "learns"), [(0.05, True), (1e-12, False)])
def test_a_training_says_so_at_its_end(valid_fraction, rate, learns, tmp_path):
    config = TrainConfig(
        data=DataConfig(name="digits", valid_fraction=valid_fraction),
        loss=PartConfig(name="standard"),
        optimizer=OptimizerConfig(lr=rate),
        selection=SelectionConfig(by="last"),
        runtime=RuntimeConfig(device="cpu"),
        epochs=2,
        batch_size=64,
    )

    def blank():
        linear = nn.Linear(64, 10)
        nn.init.zeros_(linear.weight)
        return nn.Sequential(nn.Flatten(), linear)

    result = train(config, MadeNetwork(name="linear", factory=blank), tmp_path / "run")
    assert (result.learned_nothing is None) == learns
    assert ("warning: this network has learned nothing" in str(result)) != learns
    assert result.parameters == 650

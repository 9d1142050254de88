"""Rivals of the winner: random, distinct, of its size; trained like it."""

import statistics

import pytest
import torch

from wsrnas.rng import stream
from wsrnas.search.config import RivalsConfig, SearchConfig
from wsrnas.search.finalists.gain import gain_of, spoken
from wsrnas.search.finalists.rivals import SIZE_TOLERANCE, random_rivals, training_settings
from wsrnas.search.setup import count_parameters
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig


def test_rivals_are_distinct_and_about_as_large():
    space = get_space("darts")
    sizes = NetworkConfig(channels=4, layers=3, num_classes=10, image_shape=(1, 8, 8))
    winner = space.sample(stream(0, "winner"))
    rivals = random_rivals(space, winner, sizes, 5, seed=0)
    target = count_parameters(space.build(winner, sizes))
    assert len({space.canonical(genotype) for genotype in (*rivals, winner)}) == 6
    for rival in rivals:
        assert count_parameters(space.build(rival, sizes)) == pytest.approx(target, rel=SIZE_TOLERANCE)
    assert rivals == random_rivals(space, winner, sizes, 5, seed=0)
    assert rivals != random_rivals(space, winner, sizes, 5, seed=1)


def test_the_gain_is_paired_over_images():
    winner = torch.tensor([1.0, 0.5, 0.5, 0.0])
    others = [torch.tensor([0.5, 0.5, 0.0, 0.0]), torch.tensor([0.5, 0.5, 0.5, 0.0])]
    gains = [0.5, 0.0, 0.25, 0.0]
    found, half = gain_of(winner, others), 1.959964 * statistics.stdev(gains) / 2
    assert found.mean == pytest.approx(0.1875)
    assert (found.low, found.high) == pytest.approx((0.1875 - half, 0.1875 + half))
    assert spoken(found.as_json()) == (
        "+18.8 points of wide accuracy (95 % interval over the test images: -4.7 to +42.2)"
    )


def test_one_image_says_nothing_of_the_gain():
    found = gain_of(torch.tensor([1.0]), [torch.tensor([0.0])])
    assert (found.mean, found.low, found.high) == (1.0, -1.0, 1.0)


def test_the_training_uses_the_whole_training_set_and_selects_nothing():
    settings = training_settings(SearchConfig(rivals=RivalsConfig(count=1, epochs=3)))
    assert settings.epochs == 3
    assert settings.data.valid_fraction == 0
    assert settings.selection.by == "last"
    assert settings.build_loss().passes == 2 * 7 + 2

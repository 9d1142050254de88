import numpy as np
import pytest

from wsrnas.errors import InputError
from wsrnas.studies.gains import gain


def images(shares, count=400, draw=0):
    """Right or wrong images, so many right on average."""
    return (np.random.default_rng(draw).random((*np.shape(shares), count)) < np.asarray(shares)[..., None]).astype(
        float
    )


def test_the_gain_is_the_mean_difference_and_every_search_counts_once():
    winners = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    opponents = np.array([[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]])
    found = gain(winners, opponents, draws=100, seed=0)
    assert found["each"] == pytest.approx([100 * (2 / 3 - 1 / 6), 100 * (1 / 3 - 5 / 6)])
    assert found["gain"] == pytest.approx(0)
    assert (found["wins"], found["searches"]) == (1, 2)
    assert found["low"] < 0 < found["high"]


def test_a_network_against_itself_gains_nothing_whatever_is_drawn():
    own = images([0.5, 0.7])
    found = gain(own, own[:, None], draws=50, seed=0)
    assert (found["gain"], found["low"], found["high"], found["wins"]) == (0, 0, 0, 0)


def test_every_source_of_chance_widens_the_interval():
    """Searches that differ, opponents that differ, and few images."""

    def width(winners, rivals, count):
        own, others = images(winners, count), images(np.tile(rivals, (len(winners), 1)), count, draw=1)
        found = gain(own, others, draws=2000, seed=0)
        return found["high"] - found["low"]

    same = width([0.5] * 6, [0.5] * 4, 2000)
    assert width([0.3, 0.4, 0.5, 0.5, 0.6, 0.7], [0.5] * 4, 2000) > 1.5 * same
    assert width([0.5] * 6, [0.2, 0.4, 0.6, 0.8], 2000) > 1.5 * same
    assert width([0.5] * 6, [0.5] * 4, 200) > 1.5 * same


def test_intervals_hold_the_truth():
    """Ten searches against eight common rivals whose accuracies vary, in at least 85 % of 100 studies for 95 %."""
    held = 0
    for draw in range(100):
        random = np.random.default_rng(draw)
        winners = images(0.55 + 0.03 * random.standard_normal(10), 300, draw)
        rivals = images(0.5 + 0.03 * random.standard_normal(8), 300, draw + 1000)
        found = gain(winners, np.broadcast_to(rivals, (10, 8, 300)), draws=400, seed=draw)
        held += found["low"] <= 5 <= found["high"]
    assert held >= 85


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"^winners, opponents: expected \(J, t\) and \(J, K, t\), got "):
        gain(np.zeros((2, 5)), np.zeros((3, 1, 5)), draws=10, seed=0)

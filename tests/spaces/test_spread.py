"""What was measured of spaces is readable, and of spaces that exist."""

from wsrnas.spaces import SPACES
from wsrnas.spaces.spread import spread_of, spreads


def test_every_spread_is_of_a_known_space_with_intervals_in_order():
    found = spreads()
    assert len({(one.space, one.data) for one in found}) == len(found) > 0
    for one in found:
        assert one.space in SPACES.names()
        assert one.architectures >= one.chosen_of
        for middle, low, high in (one.between, one.trainings):
            assert 0 <= low <= middle <= high


def test_a_spread_speaks_in_points_and_nothing_is_known_of_other_data():
    found = spread_of("nb201", "digits")
    assert "differ by a standard deviation of 7.8 points of accuracy under attack (95 % interval 5.5 to 13.4)" in str(
        found
    )
    assert spread_of("nb201", "photos") is None

"""Cells, intervals and the three forms of a table."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsrnas.evaluation.statistics import wilson_interval
from wsrnas.reproduce.result import Grid, Number


@given(st.integers(1, 400), st.data())
def test_a_share_of_one_seed_has_wilsons_interval(images, data):
    correct = data.draw(st.integers(0, images))
    one = Number.share([correct / images], images)
    low, high = wilson_interval(correct, images)
    assert one.value == pytest.approx(100 * correct / images)
    assert (one.low, one.high) == (pytest.approx(100 * low), pytest.approx(100 * high))
    assert one.spread is None


def test_a_share_of_several_seeds_keeps_the_interval_of_its_images_and_says_the_spread():
    one = Number.share([0.4, 0.6], 100)
    low, high = wilson_interval(50, 100)
    assert (one.low, one.high) == (pytest.approx(100 * low), pytest.approx(100 * high))
    assert one.spread == pytest.approx(100 * 0.02**0.5)
    assert str(one).startswith("50.0 [")
    assert str(one).endswith("(sd 14.1)")
    assert one.short == f"50.0 ±{50 * (high - low):.1f} (sd 14.1)"


GRID = Grid(
    headers=("model", "natural", "images"),
    rows=(("a|b", 78.4, None), ("ours", Number(value=12.3456, low=10, high=15), 1000)),
    caption="",
)


def test_csv_has_the_interval_in_columns_of_its_own_and_rounds_nothing_away():
    rows = list(csv.DictReader(io.StringIO(GRID.csv())))
    assert rows[0] == {"model": "a|b", "natural": "78.4", "natural low": "", "natural high": "", "images": ""}
    assert rows[1] == {"model": "ours", "natural": "12.3456", "natural low": "10", "natural high": "15",
                       "images": "1000"}  # fmt: skip


def test_markdown_shows_a_dash_for_what_is_not_printed_and_escapes_bars():
    lines = GRID.markdown().splitlines()
    assert lines[2] == "| a\\|b | 78.4 | – |"
    assert lines[3] == "| ours | 12.3 [10.0, 15.0] | 1,000 |"

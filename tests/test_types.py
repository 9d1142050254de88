"""Strengths as people write them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wsrnas.errors import InputError
from wsrnas.types import format_strength, parse_strength, parse_strengths


@pytest.mark.parametrize(
    ("text", "value"), [("8/255", 8 / 255), ("0.031", 0.031), (0.1, 0.1), (0, 0.0), (" 2 / 255 ", 2 / 255)]
)
def test_one_strength(text, value):
    assert parse_strength(text) == pytest.approx(value)


@given(st.integers(1, 254).filter(lambda levels: levels % 51 != 0))
def test_grey_levels_survive_a_round_trip(levels):
    assert format_strength(parse_strength(f"{levels}/255")) == f"{levels}/255"


@pytest.mark.parametrize(
    ("strength", "text"),
    [
        (0, "0"),
        (0.2, "0.2"),
        (51 / 255, "0.2"),
        (1.0, "1"),
        (2.0, "2"),
        (0.5, "0.5"),
        (0.105, "0.105"),
        (0.031, "0.031"),
        (16 / 255, "16/255"),
        (1 / 3, "85/255"),
        (0.0078, "0.0078"),
        (1e-7, "1e-07"),
    ],
)
def test_strengths_are_written_as_people_read_them(strength, text):
    assert format_strength(float(strength)) == text
    assert format_strength(float(torch.tensor(float(strength)))) == text


def test_lists_and_ranges():
    assert parse_strengths("0,2/255,8/255") == (0.0, 2 / 255, 8 / 255)
    assert parse_strengths([0.1, "0.2"]) == (0.1, 0.2)
    assert parse_strengths("0:0.4:5") == pytest.approx((0.0, 0.1, 0.2, 0.3, 0.4))
    assert parse_strengths("[0.1, 0.2]") == (0.1, 0.2)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("8", "expected an L-infinity radius in .0,1., got 8; did you mean 8/255?"),
        ("0.2,0.1", "expected strictly ascending strengths, got 0.2, 0.1; it is not sorted; write 0.1,0.2"),
        ("0.1,0.1", "expected strictly ascending strengths, got 0.1, 0.1; it repeats a value; write 0.1"),
        ("-0.1", "expected a finite radius >= 0, got -0.1"),
        ("nan", "expected a finite radius >= 0, got nan"),
        ("a", "expected a radius such as 8/255 or 0.031, got a"),
        ("1/0", "expected a radius such as 8/255 or 0.031, got 1/0"),
        ([], "expected at least one strength"),
        ("0:1:x", "expected first:last:count"),
        ("0:1:²", "expected first:last:count"),
        ("0:1:999999999", "expected first:last:count with a count of 2 to 10,000, got 0:1:999999999"),
        ("", "expected at least one strength, got none"),
    ],
)
def test_bad_strengths_name_the_remedy(value, message):
    with pytest.raises(InputError, match=f"strengths: {message}"):
        parse_strengths(value)


def test_l2_radii_may_exceed_one():
    assert parse_strengths("0.5,2", norm="L2") == (0.5, 2.0)


def test_a_word_of_thousands_of_letters_is_cut_and_sentences_are_not():
    assert str(InputError(f"a: got {'x' * 5000} and more")) == f"a: got {'x' * 400}… and more"
    words = ", ".join(map(str, range(900)))
    assert str(InputError(words)) == words

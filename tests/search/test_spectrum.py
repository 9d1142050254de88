"""The strengths of a search: N1 intervals, β_i, and what is refused."""

import pytest

from wsrnas.errors import InputError
from wsrnas.search.spectrum import SpectrumConfig, one_of_each_interval

BASIC = (0.03, 0.045, 0.06, 0.075, 0.09, 0.105)


def test_the_papers_basic_attacks_the_first_of_three_intervals():
    assert one_of_each_interval(BASIC, 3, "first") == (0.03, 0.06, 0.09)
    assert one_of_each_interval(BASIC, 1, "first") == (0.03,)
    assert one_of_each_interval(BASIC, 6, "first") == BASIC


def test_the_middle_of_one_interval_is_a_middle_strength():
    assert one_of_each_interval(BASIC, 1, "middle") == (0.075,), "the upper one of two middles"
    assert one_of_each_interval(BASIC[:5], 1, "middle") == (0.06,)
    assert one_of_each_interval(BASIC, 2, "middle") == (0.045, 0.09)


def test_the_default_attacks_the_lowest_and_the_middle_of_the_upper_half():
    assert SpectrumConfig().attacked_strengths() == (0.03, 0.09)
    assert one_of_each_interval(BASIC, 1, "lowest") == one_of_each_interval(BASIC, 1, "middle") == (0.075,)


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("at", ["first", "middle", "lowest"])
def test_every_interval_gives_one_strength(count, at):
    eleven = tuple(0.03 + 0.0075 * place for place in range(11))
    found = one_of_each_interval(eleven, count, at)
    assert len(set(found)) == count
    assert list(found) == sorted(found)


def test_weights_are_the_papers_for_six_and_interpolated_for_others():
    six = SpectrumConfig(strengths="0.03,0.045,0.06,0.075,0.09,0.105").objective().strength_weights
    assert six == pytest.approx([share / 28 for share in (1, 2, 3, 5, 7, 10)])
    eleven = SpectrumConfig(strengths="0.03:0.105:11").objective().strength_weights
    assert sum(eleven) == pytest.approx(1)
    assert eleven[0] / eleven[-1] == pytest.approx(1 / 10)
    assert SpectrumConfig(strengths="0.03").objective().strength_weights == (1.0,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"strengths": "0,0.1"},
            "spectrum.strengths: expected strengths > 0, got 0; the clean loss is always measured",
        ),
        ({"attacked": 0}, r"spectrum.attacked \(N1\): expected 1 to 6"),
        ({"attacked": [0.05]}, "spectrum.attacked: expected some of the strengths 0.03, 0.045"),
        ({"attacked_at": "last"}, "spectrum.attacked_at: expected one of first, middle, lowest, got last"),
        ({"strength_weights": [1.0]}, "spectrum.strength_weights: expected 6 weights, one per strength, got 1"),
    ],
)
def test_bad_spectra_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        SpectrumConfig(**values)

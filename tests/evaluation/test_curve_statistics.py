"""Statistics against closed forms and counts."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wsrnas.errors import InputError
from wsrnas.evaluation.statistics import (
    area_under_curve,
    images_for_interval,
    mcnemar,
    median_strength,
    over_seeds,
    paired_difference,
    wilson_interval,
)


@pytest.mark.parametrize(("correct", "total"), [(1, 2), (37, 100), (5000, 10000), (2, 10000), (99, 100)])
def test_wilson_is_the_printed_formula(correct: int, total: int) -> None:
    z, share = stats.norm.ppf(0.975), correct / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    spread = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    assert wilson_interval(correct, total) == pytest.approx((middle - spread, middle + spread), abs=1e-13)


@pytest.mark.parametrize("total", [1, 10, 10000])
def test_wilson_ends_at_the_ends(total: int) -> None:
    reach = stats.norm.ppf(0.975) ** 2
    assert wilson_interval(0, total) == (0.0, pytest.approx(reach / (total + reach), abs=1e-13))
    assert wilson_interval(total, total) == (pytest.approx(total / (total + reach), abs=1e-13), 1.0)


def test_wilson_half_width_at_one_half_is_what_the_literature_says() -> None:
    low, high = wilson_interval(5000, 10_000)
    assert (high - low) / 2 == pytest.approx(0.0098, abs=1e-4)


@given(st.floats(0.005, 0.3))
@settings(max_examples=30, deadline=None)
def test_the_number_of_images_is_enough_and_not_one_more_than_needed(half_width: float) -> None:
    def width(total: int) -> float:
        z = stats.norm.ppf(0.975)
        return z / (2 * math.sqrt(total + z * z))

    needed = images_for_interval(half_width)
    assert width(needed) <= half_width + 1e-12
    assert needed == 1 or width(needed - 1) > half_width


@given(st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=40, deadline=None)
def test_mcnemar_is_the_binomial_tail_counted_out(first: int, second: int) -> None:
    total, fewer = first + second, min(first, second)
    tail = sum(math.comb(total, k) for k in range(fewer + 1))
    assert mcnemar(first, second) == pytest.approx(min(1.0, 2 * tail / 2**total), rel=1e-10)


def test_paired_difference_of_equal_models_is_zero() -> None:
    right = [True, False] * 50
    found = paired_difference(right, right)
    assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_paired_bootstrap_interval_is_that_of_the_multinomial() -> None:
    first = [True] * 60 + [False] * 10 + [True] * 330
    second = [False] * 60 + [True] * 10 + [True] * 330
    found = paired_difference(first, second, draws=20_000)
    p, q, n = 60 / 400, 10 / 400, 400
    sd = math.sqrt((p + q - (p - q) ** 2) / n)
    assert found.value == pytest.approx(0.125)
    assert found.low == pytest.approx(0.125 - 1.96 * sd, abs=0.003)
    assert found.high == pytest.approx(0.125 + 1.96 * sd, abs=0.003)
    assert found.p_value < 1e-8
    assert (found.only_first, found.only_second) == (60, 10)
    assert paired_difference(first, second) == paired_difference(first, second)


def test_paired_difference_where_the_first_model_is_always_the_better() -> None:
    assert paired_difference([True] * 5, [False] * 5).value == 1.0


def test_area_is_the_trapezoid_rule_over_the_range() -> None:
    assert area_under_curve([0.0, 0.1, 0.3], [1.0, 0.5, 0.1]) == pytest.approx((0.075 + 0.06) / 0.3)
    strengths = torch.linspace(0, 0.5, 9).tolist()
    assert area_under_curve(strengths, [1 - 2 * s for s in strengths]) == pytest.approx(0.5, abs=1e-6)
    assert area_under_curve([0.1], [0.4]) == 0.4


def test_median_strength_crosses_one_half() -> None:
    assert median_strength([0.0, 0.1, 0.2], [0.9, 0.6, 0.4]) == pytest.approx(0.15)
    assert median_strength([0.0, 0.1], [0.9, 0.6]) is None
    assert median_strength([0.0, 0.1], [0.4, 0.1]) == 0.0


def test_over_seeds_uses_the_sample_standard_deviation() -> None:
    found = over_seeds([0.5, 0.6, 0.7])
    assert (found.mean, found.sd, found.runs) == (pytest.approx(0.6), pytest.approx(0.1), 3)
    assert str(found) == "60.0 ± 10.0 (3 runs)"
    assert str(over_seeds([0.5])) == "50.0 (1 run)"


def test_bad_input_names_the_remedy() -> None:
    with pytest.raises(InputError, match="a count between 0 and total=3"):
        wilson_interval(4, 3)
    with pytest.raises(InputError, match="results of the same 2 images"):
        paired_difference([True, False], [True])
    with pytest.raises(InputError, match="strictly ascending"):
        area_under_curve([0.2, 0.1], [1.0, 0.5])
    with pytest.raises(InputError, match="half the width"):
        images_for_interval(2.0)
    with pytest.raises(InputError, match="at least one run"):
        over_seeds([])
    with pytest.raises(InputError, match=r"0\.95"):
        wilson_interval(1, 2, level=95.0)
    with pytest.raises(InputError, match="counts >= 0"):
        mcnemar(-1, 2)

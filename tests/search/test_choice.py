"""The finalist that is named: the best where it is told apart, else the largest."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsrnas.errors import InputError
from wsrnas.rng import stream
from wsrnas.search.finalists.choice import TOLD_APART, named, with_largest
from wsrnas.search.strategies.random_search import RandomSearch
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype


def test_the_largest_is_named_unless_it_is_told_apart_from_the_best():
    values = [[1.0, 1.2], [1.1, 1.3], [2.0, 2.2]]
    assert named(values, [10, 20, 30]) == 1
    assert named(values, [20, 10, 30]) == 0
    assert named([[1.0, 1.2], [1.6, 1.8]], [10, 20]) == 0


def test_with_one_training_each_the_best_is_named():
    assert named([[2.0], [1.0], [3.0]], [30, 10, 20]) == 1


@given(
    st.lists(st.tuples(st.lists(st.floats(0, 5), min_size=2, max_size=4), st.integers(1, 9)), min_size=1, max_size=6)
)
def test_the_named_one_is_within_two_standard_errors_and_none_such_is_larger(finalists):
    values, parameters = [list(one) for one, _ in finalists], [size for _, size in finalists]
    means = [statistics.fmean(one) for one in values]
    best = means.index(min(means))
    squares = sum((value - mean) ** 2 for one, mean in zip(values, means) for value in one)
    deviation = math.sqrt(squares / sum(len(one) - 1 for one in values))

    def distance(place):
        error = deviation * math.sqrt(1 / len(values[place]) + 1 / len(values[best]))
        return means[place] - means[best] - TOLD_APART * error

    found = named(values, parameters)
    assert distance(found) <= 1e-9
    assert all(parameters[place] <= parameters[found] for place in range(len(means)) if distance(place) < -1e-9)


def test_values_that_do_not_fit_are_refused():
    for values, parameters in (([], []), ([[1.0]], [1, 2]), ([[1.0], []], [1, 2])):
        with pytest.raises(InputError, match="^values: expected a value or more"):
            named(values, parameters)


SPACE = get_space("nb201")
A, B, C, D = (SPACE.sample(stream(0, "choice", index)) for index in range(4))


class Ranked(RandomSearch):
    total_iterations = 9

    def __init__(self) -> None:
        """Nothing is measured."""

    def finalists(self, count: int) -> list[Genotype]:
        return [C, A, D, B][:count]


@pytest.mark.parametrize(
    ("count", "sizes", "found"),
    [
        (2, [A, B, C, D], [C, D]),
        (3, [A, B, C, D], [C, A, D]),
        (2, [B, D, C, A], [C, A]),
        (2, [A, C, D, B], [C, B]),
        (1, [A, C, D, B], [C]),
    ],
)
def test_the_largest_candidate_is_among_the_finalists(count, sizes, found):
    assert with_largest(Ranked(), count, sizes.index) == found

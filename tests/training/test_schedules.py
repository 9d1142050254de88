"""Schedules against their formulas."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts import concrete

from wsrnas.errors import InputError
from wsrnas.training.schedules import SCHEDULES, Constant, Cosine, Cyclic, Schedule, Step

EXAMPLES = {
    "constant": Constant(),
    "step": Step(milestones=(99, 149)),
    "cosine": Cosine(warmup=2.0),
    "cyclic": Cyclic(),
}


def test_every_schedule_is_listed_and_has_an_example():
    assert {kind.name: kind for kind in concrete(Schedule)} == dict(SCHEDULES.items())
    assert set(EXAMPLES) == set(SCHEDULES.names())


@pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES)
@settings(deadline=None, max_examples=30)
@given(share=st.floats(0, 1), epochs=st.integers(1, 300))
def test_factors_lie_between_0_and_1(schedule, share, epochs):
    assert 0 <= schedule.factor(share * epochs, epochs) <= 1


def test_step_falls_exactly_at_its_milestones():
    schedule = EXAMPLES["step"]
    assert [schedule.factor(epoch, 200) for epoch in (0.0, 98.999, 99.0, 148.99, 149.0, 199.0)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_step_without_milestones_falls_at_a_half_and_three_quarters():
    assert [Step().factor(epoch, 8) for epoch in (0.0, 3.9, 4.0, 5.9, 6.0)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])


@pytest.mark.parametrize(
    ("schedule", "epochs", "doubt"),
    [
        (Step(milestones=(99, 149)), 30, "milestones 99, 149: the training ends after 30 epochs"),
        (Step(milestones=(99, 149)), 120, "milestones 149:"),
        (Step(milestones=(99, 149)), 150, None),
        (Step(), 1, None),
        (Cosine(warmup=5.0), 5, "warmup 5: the training ends after 5 epochs"),
        (Cosine(warmup=5.0), 6, None),
        (Constant(), 1, None),
        (Cyclic(), 1, None),
    ],
)
def test_a_rate_that_never_falls_is_doubted(schedule, epochs, doubt):
    said = schedule.doubt(epochs)
    assert said is None if doubt is None else doubt in said


def test_cosine_warms_up_and_ends_at_its_last_factor():
    schedule = Cosine(warmup=2.0, last=0.1)
    assert schedule.factor(0.5, 10) == pytest.approx(0.25)
    assert schedule.factor(2.0, 10) == pytest.approx(1.0)
    assert schedule.factor(6.0, 10) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)
    assert schedule.factor(10.0, 10) == pytest.approx(0.1)
    assert Cosine(warmup=20.0).factor(9.5, 10) == pytest.approx(9.5 / 20)


def test_cyclic_is_a_triangle():
    schedule = Cyclic(peak=0.5)
    assert [schedule.factor(epoch, 8) for epoch in (0.0, 2.0, 4.0, 6.0, 8.0)] == pytest.approx([0, 0.5, 1, 0.5, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(milestones=()), "schedule.settings.milestones: expected epoch numbers >= 1"),
        (lambda: Step(milestones=(3,), decay=2.0), "schedule.settings.decay"),
        (lambda: Cosine(warmup=-1.0), "schedule.settings.warmup"),
        (lambda: Cosine(last=1.5), "schedule.settings.last"),
        (lambda: Cyclic(peak=1.0), "schedule.settings.peak"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()

"""Projections, steps and draws."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from wsrnas.attacks import RandomNoise
from wsrnas.attacks.norms import Ball, length, project_noise, steepest, take
from wsrnas.attacks.square_moves import move_l2, move_linf, pyramids, start_l2, start_linf, window_side

SETTINGS = settings(deadline=None, max_examples=25)
NORMS = st.sampled_from(["Linf", "L2"])
STRENGTHS = st.floats(1e-4, 4.0)
SEEDS = st.integers(0, 2**31)


def images_and_noise(seed, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(3, 2, 4, 5, generator=generator), scale * torch.randn(3, 2, 4, 5, generator=generator)


@SETTINGS
@given(seed=SEEDS, eps=STRENGTHS, norm=NORMS, scale=st.sampled_from([1e-6, 0.1, 1.0, 100.0]))
def test_projected_noise_is_within_radius_and_projecting_again_changes_nothing(seed, eps, norm, scale):
    _, noise = images_and_noise(seed, scale)
    once = project_noise(noise, eps, norm)
    assert length(once, norm).max() <= eps * (1 + 1e-6)
    assert torch.equal(project_noise(once, eps, norm), once)
    inside = length(noise, norm) <= eps
    assert torch.equal(once[inside], noise[inside])


@SETTINGS
@given(seed=SEEDS, eps=STRENGTHS, norm=NORMS)
def test_projected_images_are_valid_and_projecting_again_changes_nothing(seed, eps, norm):
    images, noise = images_and_noise(seed)
    ball = Ball(images, eps, norm)
    once = ball.project(images + noise)
    assert once.min() >= 0
    assert once.max() <= 1
    assert length(once - images, norm).max() <= eps * (1 + 1e-6) + 1e-7
    assert torch.allclose(ball.project(once), once, atol=1e-7, rtol=0)
    assert torch.equal(ball.project(images), images)


@SETTINGS
@given(seed=SEEDS, eps=st.floats(1e-3, 1.0), norm=NORMS)
def test_no_point_of_the_ball_is_nearer_than_the_projection(seed, eps, norm):
    _, noise = images_and_noise(seed)
    projected = project_noise(noise, eps, norm)
    other = project_noise(images_and_noise(seed + 1)[1], eps, norm)
    assert (length(noise - projected, "L2") <= length(noise - other, "L2") + 1e-5).all()


@SETTINGS
@given(seed=SEEDS, norm=NORMS, scale=st.sampled_from([1e-30, 1e-12, 1.0, 1e12]))
def test_the_steepest_step_has_length_one_at_every_scale(seed, norm, scale):
    _, gradient = images_and_noise(seed, scale)
    step = steepest(gradient, norm)
    assert torch.allclose(length(step, norm), torch.ones(3), atol=1e-5)
    best = (gradient / scale * step).flatten(1).sum(1)
    rival = steepest(images_and_noise(seed + 1)[1], norm)
    assert (best >= (gradient / scale * rival).flatten(1).sum(1) - 1e-4).all()


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_zero_gradient_is_no_step(norm):
    assert torch.equal(steepest(torch.zeros(2, 1, 3, 3), norm), torch.zeros(2, 1, 3, 3))


@SETTINGS
@given(seed=SEEDS, eps=st.floats(1e-3, 2.0), norm=NORMS)
def test_draws_are_in_the_ball(seed, eps, norm):
    images, _ = images_and_noise(seed)
    drawn = Ball(images, eps, norm).sample(torch.Generator().manual_seed(seed))
    assert length(drawn - images, norm).max() <= eps + 1e-6
    assert drawn.min() >= 0
    assert drawn.max() <= 1


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_draws_fill_the_ball_evenly(norm):
    images = torch.full((4000, 1, 1, 2), 0.5)
    noise = Ball(images, 0.2, norm).sample(torch.Generator().manual_seed(0)) - images
    inner = float((length(noise, norm) <= 0.1).float().mean())
    assert inner == pytest.approx(0.25, abs=0.03)
    assert noise.mean().abs() < 0.01


@SETTINGS
@given(seed=SEEDS, eps=st.floats(1e-2, 1.0))
def test_l2_noise_keeps_its_length_where_pixels_are_black_or_white(seed, eps):
    images = images_and_noise(seed)[0].round()
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 3))
    labels = torch.zeros(3, dtype=torch.int64)
    noisy = RandomNoise(eps=eps, norm="L2", draws=1)(model, images, labels, torch.Generator().manual_seed(seed))
    assert torch.allclose(length(noisy - images, "L2"), torch.full((3,), eps), rtol=0.02)
    assert noisy.min() >= 0
    assert noisy.max() <= 1


def test_take_keeps_the_memory_format():
    images = torch.rand(4, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    rows = torch.tensor([2, 0])
    assert take(images, rows).is_contiguous(memory_format=torch.channels_last)
    assert take(images.contiguous(), rows).is_contiguous()
    assert torch.equal(take(images, rows), images[rows])


@SETTINGS
@given(seed=SEEDS, eps=st.floats(1e-2, 2.0), side=st.integers(1, 4))
def test_square_moves_stay_in_the_ball(seed, eps, side):
    images, _ = images_and_noise(seed)
    generator, host = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    flat, round_ball = Ball(images, eps, "Linf"), Ball(images, eps, "L2")
    start = start_linf(flat, generator)
    moved = move_linf(flat, start, side, generator)
    assert length(moved - images, "Linf").max() <= eps + 1e-6
    current = start_l2(round_ball, generator, host)
    for _ in range(3):
        current = move_l2(round_ball, current, side, generator, host)
        assert length(current - images, "L2").max() <= eps * (1 + 1e-6) + 1e-6


def test_a_linf_move_changes_one_square_per_image():
    ball = Ball(torch.full((6, 2, 8, 8), 0.5), 0.1, "Linf")
    moved = move_linf(ball, ball.images, 3, torch.Generator().manual_seed(0))
    changed = (moved != ball.images).all(dim=1)
    assert (changed.flatten(1).sum(1) == 9).all()
    assert (changed.any(1).sum(1) == 3).all()
    assert (changed.any(2).sum(1) == 3).all()


def test_a_l2_move_uses_the_whole_radius():
    ball = Ball(torch.full((3, 2, 8, 8), 0.5), 0.3, "L2")
    generator, host = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    current = start_l2(ball, generator, host)
    for _ in range(5):
        current = move_l2(ball, current, 4, generator, host)
        assert torch.allclose(length(current - ball.images, "L2"), torch.full((3,), 0.3), atol=1e-4)


def test_pyramids_follow_the_formula():
    """Two halves of a 6-window, written out from the text: n = 3, centres (2,4) and (2,4) of the 3×6 halves."""
    expected = torch.zeros(6, 6)
    for row in range(6):
        for column in range(6):
            distance = max(abs(row % 3 + 1 - (3 // 2 + 1)), abs(column + 1 - (6 // 2 + 1)))
            total = sum(1.0 / (3 + 1 - k) ** 2 for k in range(3 - distance + 1))
            expected[row, column] = total if row < 3 else -total
    bump = pyramids(6, torch.Generator().manual_seed(0))
    assert bump.norm() == pytest.approx(1.0)
    expected = expected / expected.norm()
    assert torch.allclose(bump, expected) or torch.allclose(bump, expected.T)


def test_windows_shrink_on_schedule():
    sides = [
        window_side(query / 10000, 0.8, 32, 32, 1) for query in (0, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001)
    ]
    assert sides == [round((0.8 / 2**halvings * 1024) ** 0.5) for halvings in range(10)]
    assert window_side(0.9, 0.8, 8, 8, 3) == 3

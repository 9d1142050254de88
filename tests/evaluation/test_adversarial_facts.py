"""Radius, range and 8-bit rounding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsrnas.errors import InputError
from wsrnas.evaluation.verify import check_noise, distances, eight_bit
from wsrnas.rng import stream


def pair(norm: str, strength: float, seed: int, *, on_grid: bool) -> tuple[torch.Tensor, torch.Tensor]:
    generator = stream(seed, "pair")
    images = torch.rand(6, 1, 4, 4, generator=generator)
    if on_grid:
        images = (images * 255).round() / 255
    noise = torch.rand(6, 1, 4, 4, generator=generator) * 2 - 1
    if norm == "L2":
        noise = noise / noise.flatten(1).norm(dim=1)[:, None, None, None]
    return images, (images + strength * noise).clamp(0, 1)


@given(st.sampled_from(["Linf", "L2"]), st.floats(0.02, 0.6), st.integers(0, 1000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_rounded_images_are_8_bit_valid_and_inside_the_ball_where_it_says_so(
    norm: str, strength: float, seed: int, on_grid: bool
) -> None:
    images, moved = pair(norm, strength, seed, on_grid=on_grid)
    rounded, inside = eight_bit(images, moved, strength, norm)
    levels = rounded.double() * 255
    assert float((levels - levels.round()).abs().max()) < 1e-4
    assert float(rounded.min()) >= 0
    assert float(rounded.max()) <= 1
    assert bool((distances(images, rounded, norm)[inside] <= strength + 2e-6).all())
    if on_grid or norm == "Linf":
        assert bool(inside.all())


def test_off_the_grid_there_may_be_no_8_bit_image_in_a_small_ball() -> None:
    images = torch.full((1, 1, 2, 2), 10.5 / 255)
    _, inside = eight_bit(images, images + 0.2 / 255, 0.2 / 255, "Linf")
    assert not bool(inside.any())


def test_an_attack_that_leaves_its_ball_is_refused_by_name() -> None:
    images = torch.full((2, 1, 2, 2), 0.5)
    assert check_noise(images, images + 0.1, 0.1, "Linf", attack="A").tolist() == pytest.approx([0.1, 0.1], abs=1e-6)
    with pytest.raises(InputError, match=r"attack A: expected Linf noise <= 0.1"):
        check_noise(images, images + 0.11, 0.1, "Linf", attack="A")
    with pytest.raises(InputError, match=r"images in \[0,1\]"):
        check_noise(images, images + 0.6, 1.0, "Linf", attack="A")
    with pytest.raises(InputError, match="finite adversarial"):
        check_noise(images, images * torch.nan, 0.1, "Linf", attack="A")
    with pytest.raises(InputError, match="float32 images of shape"):
        check_noise(images, images[:1], 0.1, "Linf", attack="A")

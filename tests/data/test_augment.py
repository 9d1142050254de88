"""The contract of every augmentation, found by itself, and what each one does."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from tests.contracts import concrete

from wsrnas.data.augment import AUGMENTS, Augment, ResizedCrop, Shift, luma
from wsrnas.data.config import DataConfig
from wsrnas.data.pixels import Reader, fit_reader, to_tensor
from wsrnas.data.sources.digits import digits
from wsrnas.rng import stream

ALL = [kind() for kind in concrete(Augment)] + [augment for augment in AUGMENTS.values() if augment is not None]


def pictures(batch: int = 5, channels: int = 3, height: int = 12, width: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (batch, channels, height, width), dtype=torch.uint8, generator=stream(0, "pictures"))


@pytest.fixture(scope="module")
def reader() -> Reader:
    return fit_reader(digits().train, 0, DataConfig(channels=3, image_size=12))


@pytest.mark.parametrize("augment", ALL, ids=repr)
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_type_and_independence_of_the_batch(augment: Augment, channels: int) -> None:
    pixels = pictures(channels=channels)
    before = pixels.clone()
    draws = torch.rand((5, augment.draws_per_image), generator=stream(1, "draws"))
    changed = augment(pixels, draws)
    assert changed.shape == pixels.shape
    assert changed.dtype == torch.uint8
    assert torch.equal(pixels, before)
    for image in range(5):
        assert torch.equal(augment(pixels[image : image + 1], draws[image : image + 1])[0], changed[image])


@pytest.mark.parametrize("augment", ALL, ids=repr)
def test_extreme_draws_are_safe(augment: Augment) -> None:
    for value in (0.0, 1 - 2**-24):
        draws = torch.full((5, augment.draws_per_image), value)
        assert augment(pictures(), draws).shape == (5, 3, 12, 16)


@pytest.mark.parametrize("augment", ALL, ids=repr)
def test_opened_images_come_out_in_the_readers_shape(augment: Augment, reader: Reader) -> None:
    draws = torch.rand((1, augment.draws_per_image), generator=stream(2, "draws"))
    for size in ((12, 12), (31, 19), (7, 40)):
        image = Image.effect_noise(size, 60).convert("RGB")
        changed = augment.read(image, draws, reader)
        assert changed.shape == (1, 3, 12, 12)
        assert torch.equal(changed, augment.read(image, draws, reader))


def test_a_shift_with_the_middle_offset_is_the_identity() -> None:
    assert torch.equal(Shift(padding=3)(pictures(), torch.full((5, 3), 0.5)), pictures())


def test_a_shift_agrees_with_padding_and_cropping_one_image_at_a_time() -> None:
    pixels, draws = pictures(), torch.rand((5, 3), generator=stream(3, "draws"))
    changed = Shift(padding=2, flip=True)(pixels, draws)
    for image, (down, across, mirror) in enumerate(draws.tolist()):
        padded = torch.zeros((3, 16, 20), dtype=torch.uint8)
        padded[:, 2:14, 2:18] = pixels[image]
        top, left = int(down * 5), int(across * 5)
        expected = padded[:, top : top + 12, left : left + 16]
        assert torch.equal(changed[image], expected.flip(2) if mirror < 0.5 else expected)


def test_padding_follows_the_size_and_all_offsets_occur() -> None:
    ramp = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8).expand(400, 1, 8, 8).contiguous()
    draws = torch.rand((400, 3), generator=stream(4, "draws"))
    corners = {tuple(image[0, 3:5, 3].tolist()) for image in Shift()(ramp, draws)}
    assert len(corners) == 9
    seen = set(Shift()(ramp, draws)[:, 0, 3, 3].tolist())
    assert seen == {row * 8 + column + 1 for row in (2, 3, 4) for column in (2, 3, 4)}


def test_half_of_the_images_are_mirrored() -> None:
    pixels = pictures(1).expand(400, 3, 12, 16).contiguous()
    draws = torch.rand((400, 3), generator=stream(5, "draws"))
    draws[:, :2] = 0.5
    mirrored = (Shift(flip=True)(pixels, draws) == pixels.flip(3)).flatten(1).all(1)
    assert 160 < int(mirrored.sum()) < 240


def test_the_whole_image_as_crop_is_the_identity_and_its_mirror() -> None:
    whole = ResizedCrop(min_area=1.0, max_ratio=1.0)
    draws = torch.full((5, 8), 0.5)
    square = pictures(height=12, width=12)
    assert torch.equal(whole(square, draws), square)
    draws[:, 4] = 0.1
    assert torch.equal(whole(square, draws), square.flip(3))


def test_both_ways_to_the_same_crop_show_the_same(reader: Reader) -> None:
    ramp = torch.linspace(0, 240, 24).round().to(torch.uint8).expand(3, 24, 24).contiguous()
    image = Image.fromarray(ramp.permute(1, 2, 0).numpy())
    draws = torch.rand((1, 8), generator=stream(6, "draws"))
    augment = ResizedCrop(min_area=0.3)
    cut = augment.read(image, draws, reader).float()
    small = to_tensor(image.resize((12, 12), Image.Resampling.BILINEAR))[None]
    in_memory = augment(small, draws).float()
    assert (cut - in_memory).abs().mean() < 8


def test_boxes_stay_inside_and_keep_area_and_ratio() -> None:
    draws = torch.rand((500, 8), generator=stream(7, "draws"))
    left, top, wide, high = ResizedCrop().boxes(100, 100, draws).unbind(1)
    assert bool((left >= 0).all() and (top >= 0).all())
    assert bool((left + wide <= 100 + 1e-3).all() and (top + high <= 100 + 1e-3).all())
    share = wide * high / 1e4
    assert 0.079 < float(share.min()) < 0.12
    assert 0.9 < float(share.max()) <= 1
    assert float((wide / high).max()) <= 4 / 3 + 1e-4


def test_colours_keep_grey_images_grey_and_neutral_factors_change_nothing() -> None:
    augment = ResizedCrop(min_area=1.0, max_ratio=1.0, flip=False, jitter=0.4)
    draws = torch.full((5, 8), 0.5)
    square = pictures(height=12, width=12)
    assert torch.equal(augment(square, draws), square)
    grey = square[:, :1].expand(-1, 3, -1, -1).contiguous()
    draws[:, 5:] = torch.rand((5, 3), generator=stream(8, "draws"))
    changed = augment(grey, draws)
    assert torch.equal(changed[:, :1], changed[:, 1:2])
    assert not torch.equal(changed, grey)
    assert torch.equal(luma(grey[:, :1].float()), grey[:, :1].float())

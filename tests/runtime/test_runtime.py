"""Devices, precision and memory format."""

import pytest
import torch
from torch import nn

from wsrnas.errors import InputError
from wsrnas.runtime import Runtime, RuntimeConfig


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))


def test_modules_stay_bare_and_move_in_place():
    model = network()
    weight = model[0].weight
    prepared = Runtime(RuntimeConfig(device="cpu", channels_last=True)).prepare(model)
    assert prepared is model
    assert model[0].weight is weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_channels_last_gives_the_same_logits():
    model, images = network().eval(), torch.rand(2, 3, 8, 8)
    expected = model(images)
    runtime = Runtime(RuntimeConfig(device="cpu", channels_last=True))
    runtime.prepare(model)
    assert torch.allclose(model(runtime.images(images)), expected, atol=1e-6)


def test_bf16_is_used_inside_autocast_only():
    runtime, model, images = (
        Runtime(RuntimeConfig(device="cpu", precision="bf16-mixed")),
        network(),
        torch.rand(2, 3, 8, 8),
    )
    with runtime.autocast():
        assert model(images).dtype == torch.bfloat16
    assert model(images).dtype == torch.float32
    with Runtime(RuntimeConfig(device="cpu")).autocast():
        assert model(images).dtype == torch.float32


def test_autocast_leaves_the_pixels_alone():
    seen = []

    class Spy(nn.Module):
        def forward(self, images):
            seen.append(images.dtype)
            return images

    with Runtime(RuntimeConfig(device="cpu", precision="bf16-mixed")).autocast():
        Spy()(torch.rand(1, 3, 2, 2))
    assert seen == [torch.float32]


def test_one_process_is_the_first_of_one():
    runtime = Runtime(RuntimeConfig(device="cpu"))
    assert (runtime.rank, runtime.world_size, runtime.is_main) == (0, 1, True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"device": "gpu"}, "runtime.device: expected one of auto, cpu, cuda, mps, got gpu; did you mean 'cpu'?"),
        ({"precision": "bf16"}, "runtime.precision: expected one of 32-true, bf16-mixed, got bf16"),
        ({"threads": 0}, "runtime.threads: expected at least 1, got 0"),
    ],
)
def test_bad_settings_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        RuntimeConfig(**values)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_cuda_device_is_said():
    with pytest.raises(InputError, match="runtime.device: expected a CUDA device, got none on this machine"):
        RuntimeConfig(device="cuda")

"""Rescaling one noise, and the fidelity of an estimate."""

import math

import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.estimators.noise import Rescale, fidelity, loss_error


def test_scale_box_and_corner_pixel_by_pixel():
    images = torch.tensor([0.5, 0.5, 0.02, 0.97]).reshape(1, 1, 2, 2)
    noise = torch.tensor([0.06, -0.03, -0.02, 0.03]).reshape(1, 1, 1, 2, 2)
    known, wanted = torch.tensor([0.06]), torch.tensor([0.015])
    expected = {
        "scale": [0.015, -0.0075, -0.005, 0.0075],
        "box": [0.015, -0.0075, -0.015, 0.015],
        "corner": [0.015, -0.015, -0.015, 0.015],
    }
    for shape, values in expected.items():
        noise_hat = Rescale(shape=shape)(images, noise, known, wanted)
        torch.testing.assert_close(noise_hat.flatten(), torch.tensor(values), atol=1e-7, rtol=1e-4)


def test_which_known_noise_is_scaled():
    images = torch.full((1, 1, 1, 1), 0.5)
    known = torch.tensor([0.03, 0.06, 0.12])
    noise = torch.tensor([1.0, 0.5, 0.25]).reshape(1, 3, 1, 1, 1) * known[:, None, None, None]
    wanted = torch.tensor([0.01, 0.05, 0.1, 0.2])

    def share(source):
        return (Rescale(source=source, shape="scale")(images, noise, known, wanted).flatten() / wanted).tolist()

    assert share("nearest") == pytest.approx([1.0, 0.5, 0.25, 0.25])
    assert share("middle") == pytest.approx([0.5] * 4)
    assert share("largest") == pytest.approx([0.25] * 4)


def test_corners_need_a_box():
    with pytest.raises(
        InputError, match="shape: expected 'scale' under the L2 norm, got box; L2 balls have no corners"
    ):
        Rescale(norm="L2")


def test_fidelity_and_loss_error():
    assert fidelity(0.8, 0.4, 0.4) == 1.0
    assert fidelity(0.8, 0.2, 0.35) == pytest.approx(0.75)
    assert math.isnan(fidelity(0.8, 0.8, 0.8))
    assert loss_error(2.0, 1.9) == pytest.approx(-0.05)

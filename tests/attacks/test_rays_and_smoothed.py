"""RayS needs decisions only and finds the optimum of a linear model; averaged gradients see through an oscillation."""

import math

import pytest
import torch
from torch import Tensor, nn

from wsrnas.attacks import PGD, RayS, SmoothedPGD
from wsrnas.attacks.rays import _blocks
from wsrnas.errors import InputError


class Linear(nn.Module):
    """Two classes, logits (0, w·(x − 1/2) + b)."""

    def __init__(self, weights: Tensor, bias: float) -> None:
        super().__init__()
        self.weights, self.bias = weights, bias

    def forward(self, images: Tensor) -> Tensor:
        scores = ((images - 0.5) * self.weights).flatten(1).sum(1) + self.bias
        return torch.stack([torch.zeros_like(scores), scores], 1)


def linear(pixels: int = 16) -> Linear:
    side = math.isqrt(pixels)
    return Linear(torch.randn(1, side, side, generator=torch.Generator().manual_seed(1)), 0.4)


def inner(count: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    images = 0.45 + 0.1 * torch.rand(count, 1, 4, 4, generator=generator)
    return images, linear()(images).argmax(1)


def nearest(model: Linear, images: Tensor, labels: Tensor, norm: str) -> Tensor:
    """|m|/‖w‖₁ in Linf; along signs only, √n·|m|/‖w‖₁ in L2."""
    shortest = model(images)[:, 1].abs() / model.weights.abs().sum()
    return shortest if norm == "Linf" else shortest * model.weights.numel() ** 0.5


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_rays_finds_the_sign_of_the_weights_of_a_linear_model(norm):
    model, (images, labels) = linear(), inner()
    for row, optimum in enumerate(nearest(model, images, labels, norm)):
        one, its = images[row : row + 1], labels[row : row + 1]
        for share, breaks in ((1.05, True), (0.97, False)):
            attack = RayS(eps=share * float(optimum), norm=norm, flips=62, bisections=12)
            wrong = model(attack(model, one, its)).argmax(1) != its
            assert bool(wrong) == breaks


def test_rays_looks_at_decisions_only():
    model, (images, labels) = linear(), inner()

    def decisions(batch: Tensor) -> Tensor:
        return nn.functional.one_hot(model(batch).argmax(1), 2).float()

    attack = RayS(eps=0.05, flips=20)
    assert torch.equal(attack(model, images, labels), attack(decisions, images, labels))


def test_rays_counts_its_passes():
    asked = 0

    def counted(batch: Tensor) -> Tensor:
        nonlocal asked
        asked += 1
        return linear()(batch)

    images, labels = inner(1)
    attack = RayS(eps=1e-6, flips=40, bisections=5)
    attack(counted, images, labels)
    assert 40 < asked <= attack.passes


def test_blocks_halve_down_to_single_pixels_and_start_over():
    assert _blocks(4, 10) == [(0, 4), (0, 2), (2, 4), (0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (0, 2), (2, 4)]
    assert _blocks(3, 6) == [(0, 3), (0, 2), (2, 3), (0, 1), (1, 2), (2, 3)]


def rippled(amplitude: float, rate: float) -> nn.Module:
    model = linear()

    class Rippled(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return model(images + amplitude * torch.sin(rate * images))

    return Rippled().eval()


def test_averaged_gradients_break_what_an_oscillation_hides():
    model = rippled(0.02, 600.0)
    generator = torch.Generator().manual_seed(5)
    images = 0.3 + 0.4 * torch.rand(64, 1, 4, 4, generator=generator)
    labels = model(images).argmax(1)
    left = [
        float((model(attack(model, images, labels)).argmax(1) == labels).double().mean())
        for attack in (PGD(eps=0.15, keep="best"), SmoothedPGD(eps=0.15))
    ]
    assert left[1] < left[0] - 0.1


def test_averaged_gradients_reach_the_corner_of_a_linear_model():
    model, (images, labels) = linear(), inner()
    eps = 0.03
    sign = torch.where(labels == 1, -1.0, 1.0)[:, None, None, None] * model.weights.sign()
    moved = SmoothedPGD(eps=eps, steps=10)(model, images, labels)
    torch.testing.assert_close(moved, images + eps * sign)


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="flips: expected a whole number >= 1, got 0"):
        RayS(eps=0.1, flips=0)
    with pytest.raises(InputError, match="spread: expected a share of eps"):
        SmoothedPGD(eps=0.1, spread=0.0)
    with pytest.raises(InputError, match="momentum: expected a share in"):
        SmoothedPGD(eps=0.1, momentum=1.5)

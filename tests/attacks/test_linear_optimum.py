"""On a linear model the strongest noise is known in closed form."""

import itertools

import pytest
import torch
from torch import nn

from wsrnas.attacks import APGD, FGSM, FMN, PGD, RandomNoise, Square, TargetedAPGD


class Linear(nn.Module):
    """Two logits (0, w·x): the margin of class 0 is a linear function of the image."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(11)
        self.weight = nn.Parameter(torch.randn(2 * 5 * 5, generator=generator))

    def forward(self, images):
        score = images.flatten(1) @ self.weight
        return torch.stack((torch.zeros_like(score), score), dim=1)


def centred():
    return torch.full((3, 2, 5, 5), 0.5), torch.zeros(3, dtype=torch.int64)


def near_the_edge():
    return torch.rand(3, 2, 5, 5, generator=torch.Generator().manual_seed(5)), torch.zeros(3, dtype=torch.int64)


def gain(model, adversarial, images):
    with torch.no_grad():
        return (model(adversarial) - model(images))[:, 1]


def seeded():
    return torch.Generator().manual_seed(0)


EXACT = [
    lambda norm: FGSM(eps=0.1, norm=norm),
    lambda norm: FGSM(eps=0.1, norm=norm, loss="margin"),
    lambda norm: PGD(eps=0.1, norm=norm, steps=20),
    lambda norm: PGD(eps=0.1, norm=norm, steps=20, restarts=2, loss="dlr"),
    lambda norm: PGD(eps=0.1, norm=norm, steps=20, keep="best", loss="margin"),
    lambda norm: APGD(eps=0.1, norm=norm, steps=50),
    lambda norm: APGD(eps=0.1, norm=norm, steps=50, loss="dlr"),
    lambda norm: TargetedAPGD(eps=0.1, norm=norm, steps=50),
]


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("make", EXACT, ids=lambda make: type(make("L2")).__name__)
def test_reaches_the_closed_form_optimum(make, norm):
    model, (images, labels) = Linear(), centred()
    optimum = 0.1 * (model.weight.abs().sum() if norm == "Linf" else model.weight.norm())
    labels = labels if model(images)[0, 1] < 0 else labels + 1
    sign = 1.0 if labels[0] == 0 else -1.0
    attack = make(norm)
    adversarial = attack(model, images, labels, seeded())
    reached = sign * gain(model, adversarial, images)
    assert (reached <= optimum + 1e-4).all()
    # From a random point of the sphere, 2.5·eps of travel turn L2 noise most of the way to the optimum, not all of it.
    near = 0.97 if norm == "L2" and isinstance(attack, PGD) else 0.995
    assert (reached >= near * optimum.detach()).all()


@pytest.mark.parametrize("make", EXACT[2:6], ids=["PGD", "restarts", "best", "APGD"])
def test_reaches_the_optimum_at_the_edge_of_valid_pixels(make):
    model, (images, labels) = Linear(), near_the_edge()
    direction = model.weight.detach().sign().view(2, 5, 5)
    for label in (0, 1):
        sign = 1.0 - 2.0 * label
        best = (images + sign * 0.1 * direction).clamp(0, 1)
        still_right = model(images).argmax(1) == label
        adversarial = make("Linf")(model, images, labels + label, seeded())
        reached, optimum = sign * gain(model, adversarial, images), sign * gain(model, best, images)
        assert torch.allclose(reached[still_right], optimum[still_right], rtol=5e-3)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_square_comes_close_without_a_gradient(norm):
    model, (images, labels) = Linear().requires_grad_(False), centred()
    labels = labels if model(images)[0, 1] < 0 else labels + 1
    length = float(model.weight.abs().sum() if norm == "Linf" else model.weight.norm())
    eps = 0.5 * float(model(images)[0, 1].abs()) / length
    adversarial = Square(eps=eps, norm=norm, queries=600)(model, images, labels, seeded())
    assert (gain(model, adversarial, images).abs() >= (0.9 if norm == "Linf" else 0.4) * eps * length).all()


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_longer_attack_is_not_weaker(norm):
    model, (images, labels) = Linear(), centred()
    gains = [
        gain(model, PGD(eps=0.1, norm=norm, steps=steps, step_size=0.01)(model, images, labels, seeded()), images)
        for steps in (1, 2, 4, 8, 16, 32)
    ]
    assert all((later >= earlier - 1e-5).all() for earlier, later in itertools.pairwise(gains))


def test_targets_turn_the_attack_round():
    model, (images, labels) = Linear(), centred()
    for target in (0, 1):
        adversarial = PGD(eps=0.1, steps=20)(model, images, labels, seeded(), targets=labels + target)
        towards = gain(model, adversarial, images) * (2.0 * target - 1.0)
        assert torch.allclose(towards, 0.1 * model.weight.detach().abs().sum().expand(3), rtol=5e-3)


def test_random_noise_is_weaker_and_grows_with_draws():
    model, (images, labels) = Linear(), centred()
    one, many = (
        gain(model, RandomNoise(eps=0.1, draws=draws)(model, images, labels, seeded()), images) for draws in (1, 64)
    )
    assert (many >= one - 1e-6).all()
    assert (many < 0.1 * model.weight.abs().sum()).all()


def test_explicit_step_sizes_follow_the_strength():
    assert PGD(eps=0.1, step_size=0.02).at(0.2).step_size == pytest.approx(0.04)
    assert PGD(eps=0.1).at(0.2).step_size is None
    assert PGD(eps=0.1, step_size=0.02).at(0.0).step_size == 0.02


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_fmn_finds_the_distance_to_the_boundary(norm):
    model, (images, labels) = Linear(), centred()
    images = images + 0.02 * torch.randn(images.shape, generator=seeded())
    score = images.flatten(1) @ model.weight
    labels = (score > 0).long()  # so that the model is right
    dual = model.weight.abs().sum() if norm == "Linf" else model.weight.norm()
    noise = FMN(eps=1.0 if norm == "Linf" else 9.0, norm=norm)(model, images, labels) - images
    flat = noise.flatten(1)
    lengths = flat.abs().amax(1) if norm == "Linf" else flat.norm(dim=1)
    assert torch.all(lengths >= score.abs() / dual * (1 - 1e-4))
    assert torch.all(lengths <= score.abs() / dual * 1.02 + 1e-5)


@pytest.mark.parametrize(
    ("attack", "passes"),
    [
        (FGSM(eps=0.1), 2),
        (PGD(eps=0.1, steps=7), 14),
        (PGD(eps=0.1, steps=7, restarts=2), 30),
        (APGD(eps=0.001, steps=9, restarts=2), 39),
        (RandomNoise(eps=0.1, draws=6), 6),
        (Square(eps=0.001, queries=30), 31),
        (FMN(eps=0.001, steps=9), 20),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_passes_counts_what_the_network_does(attack, passes):
    model, (images, labels) = Linear(), centred()
    counted = []
    model.register_forward_hook(lambda module, inputs, output: counted.append(1))
    model.register_full_backward_hook(lambda module, before, after: counted.append(1))
    labels = labels if model(images)[0, 1] < 0 else labels + 1
    counted.clear()
    attack(model, images, labels, seeded())
    assert len(counted) == attack.passes == passes

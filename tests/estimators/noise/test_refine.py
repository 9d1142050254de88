"""Refining estimates by gradient steps, each alone and outwards from the known strengths."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.estimators.noise import Rescale, WeightedAverage, noise_estimator, refine, refine_outwards
from wsrnas.rng import fixed_global_seed, stream


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_refining_step_raises_the_loss_and_leaves_the_model_alone(norm):
    generator = stream(0, "refine")
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    images = torch.rand(5, 1, 8, 8, generator=generator) * 0.4 + 0.3
    labels = torch.tensor([0, 1, 2, 0, 1])
    noise_hat = torch.zeros(5, 2, 1, 8, 8)
    strengths = torch.tensor([0.05, 0.2])
    refined = refine(model, images, labels, noise_hat, strengths, norm=norm, steps=2, step_size=0.5)
    assert all(parameter.grad is None for parameter in model.parameters())
    losses = [nn.functional.cross_entropy(model(images), labels)]
    losses += [nn.functional.cross_entropy(model(images + refined[:, i]), labels) for i in range(2)]
    assert losses[0] < losses[1] < losses[2]
    flat = refined.flatten(2)
    size = flat.abs().amax(dim=2) if norm == "Linf" else flat.norm(dim=2)
    assert (size <= strengths + 1e-6).all()
    with pytest.raises(InputError, match="steps: expected at least one step, got 0"):
        refine(model, images, labels, noise_hat, strengths, steps=0)


def test_one_refining_step_on_a_linear_model_finds_the_corner():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    images, labels = torch.full((1, 1, 2, 2), 0.5), torch.tensor([1])
    refined = refine(model, images, labels, torch.zeros(1, 1, 1, 2, 2), torch.tensor([0.1]), step_size=1.0)
    weight = model[1].weight
    torch.testing.assert_close(refined.flatten(), 0.1 * (weight[0] - weight[1]).sign())


@pytest.fixture(scope="module")
def model():
    with fixed_global_seed(0):
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)).eval()


def batch():
    generator = stream(0, "outwards")
    images = torch.rand(3, 1, 8, 8, generator=generator)
    return images, torch.tensor([0, 1, 2]), generator


def slow_step(model, image, label, noise, strength, step_size):
    """One gradient step and both projections, for one image."""
    moving = noise.clone().requires_grad_()
    functional.cross_entropy(model((image + moving)[None]), label[None]).backward()
    moved = noise + step_size * strength * moving.grad.sign()
    return (image + moved.clamp(-strength, strength)).clamp(0, 1) - image


def slow_outwards(model, image, label, noises, known, wanted, steps, step_size):
    """Strength by strength in order of their ratio to a known one; `scale` from the nearest, whatever it is."""
    have, found = {float(s): noise for s, noise in zip(known, noises)}, {}
    distance = lambda one, other: max(one / other, other / one)  # noqa: E731
    for strength in sorted(wanted, key=lambda s: min(distance(s, k) for k in known)):
        source = min(sorted(have), key=lambda s: distance(strength, s))
        noise = have[source] * (strength / source)
        noise = (image + noise.clamp(-strength, strength)).clamp(0, 1) - image
        for _ in range(steps):
            noise = slow_step(model, image, label, noise, strength, step_size)
        have[strength] = found[strength] = noise
    return [found[strength] for strength in wanted]


@pytest.mark.parametrize("known", [(0.075,), (0.045, 0.09)])
@pytest.mark.parametrize("steps", [1, 2])
def test_every_refined_noise_is_the_start_of_the_next(model, known, steps):
    images, labels, generator = batch()
    noise = (torch.rand(3, len(known), 1, 8, 8, generator=generator) * 2 - 1) * torch.tensor(known)[:, None, None, None]
    wanted = (0.2, 0.03, 0.105, 0.06)
    refined = refine_outwards(
        Rescale(shape="scale"), model, images, labels, noise, torch.tensor(known), torch.tensor(wanted),
        steps=steps, step_size=0.25,
    )  # fmt: skip
    for row in range(3):
        expected = slow_outwards(model, images[row], labels[row], noise[row], known, wanted, steps, 0.25)
        torch.testing.assert_close(refined[row], torch.stack(expected), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["rescale", "weighted-average", "a-ane"])
def test_no_steps_leave_the_estimate_and_any_estimator_can_be_refined(model, name):
    images, labels, generator = batch()
    known, wanted = torch.tensor([0.04, 0.08]), torch.tensor([0.03, 0.06, 0.1])
    noise = (torch.rand(3, 2, 1, 8, 8, generator=generator) - 0.5) * 0.08
    estimator = noise_estimator(name, image_shape=(1, 8, 8))
    given = (model, images, labels, noise, known, wanted)
    plain = refine_outwards(estimator, *given, steps=0)
    torch.testing.assert_close(plain, estimator(images, noise, known, wanted).detach())
    refined = refine_outwards(estimator, *given)
    assert not refined.requires_grad
    assert (refined.abs().amax(dim=(2, 3, 4)) <= wanted + 1e-6).all()
    attacked = images[:, None] + refined
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    for place in range(3):
        losses = [functional.cross_entropy(model(images + found[:, place]), labels) for found in (plain, refined)]
        assert losses[0] < losses[1]


def test_refining_counts_two_passes_per_strength_and_step():
    images, labels, generator = batch()
    calls = []

    def model(inputs):
        calls.append(len(inputs))
        return inputs.flatten(1)[:, :3] * 2

    noise = (torch.rand(3, 1, 1, 8, 8, generator=generator) - 0.5) * 0.1
    known, wanted = torch.tensor([0.05]), torch.tensor([0.03, 0.1])
    refine_outwards(WeightedAverage(), model, images, labels, noise, known, wanted, steps=2)
    assert calls == [3] * 4, "one forward, and one backward, for each of two strengths and two steps"

"""Eq. 6 and Eq. 7 against slow loops written from the text."""

import math

import pytest
import torch
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.estimators.noise import AANE, EANE, WeightedAverage, noise_estimator
from wsrnas.rng import fixed_global_seed, stream


def slow_average(noises, known, wanted, weights):
    """Eq. 6 for one image and one wanted strength, from the text."""
    known = [float(strength) for strength in known]
    if wanted in known:
        return noises[known.index(wanted)]
    below = [i for i, strength in enumerate(known) if strength < wanted]
    above = [i for i, strength in enumerate(known) if strength > wanted]
    if not below:
        return noises[0] * wanted / known[0]
    if not above:
        return noises[-1] * wanted / known[-1]
    low, high = below[-1], above[0]
    width = known[high] - known[low]
    distance_low, distance_high = abs(wanted - known[low]) / width, abs(known[high] - wanted) / width
    if weights == "paper":
        return distance_low * noises[low] + distance_high * noises[high]
    return distance_high * noises[low] + distance_low * noises[high]


@pytest.fixture
def batch():
    generator = stream(0, "equations")
    images = torch.full((2, 1, 8, 8), 0.5)
    known = torch.tensor([[0.03, 0.06, 0.09], [0.02, 0.05, 0.125]])
    noise = (torch.rand(2, 3, 1, 8, 8, generator=generator) * 2 - 1) * known[:, :, None, None, None]
    return images, noise, known


@pytest.mark.parametrize("weights", ["paper", "linear"])
def test_equation_6(batch, weights):
    images, noise, known = batch
    wanted = torch.tensor([[0.045, 0.2, 0.01, 0.06, 0.0], [0.04, 0.15, 0.1, 0.125, 0.019]])
    estimator = WeightedAverage(weights=weights)
    estimate = estimator.estimate(images, noise, known, wanted)
    projected = estimator(images, noise, known, wanted)
    for row in range(2):
        for column in range(wanted.shape[1]):
            strength = float(wanted[row, column])
            expected = slow_average(noise[row], known[row], strength, weights)
            torch.testing.assert_close(estimate[row, column], expected)
            torch.testing.assert_close(projected[row, column], expected.clamp(-strength, strength))


def test_paper_weights_give_the_farther_noise_more(batch):
    images, noise, known = batch
    wanted = torch.tensor([0.0301])
    paper = WeightedAverage(weights="paper").estimate(images, noise, known, wanted.expand(2, 1))[0, 0]
    linear = WeightedAverage(weights="linear").estimate(images, noise, known, wanted.expand(2, 1))[0, 0]
    assert (paper - noise[0, 1]).abs().max() < 0.001
    assert (linear - noise[0, 0]).abs().max() < 0.001


def dense(layer, vector):
    return layer.weight @ vector + layer.bias


@torch.no_grad()
def slow_a_ane(phi, image, noises, known, wanted):
    """Fig. 2 and Eq. 7 for one image and one wanted strength, vector by vector."""
    units = [noise / strength for noise, strength in zip(noises, known)]
    encode = lambda strength: dense(phi.encode_strength.linear, torch.tensor([strength / 0.1])).relu()  # noqa: E731

    def compress(module, picture):
        maps = functional.conv2d(
            picture[None], module.convolution.weight, module.convolution.bias, module.convolution.stride, 2
        )
        return functional.adaptive_max_pool2d(maps, 3).relu().flatten()

    first = dense(phi.image_state, compress(phi.compress_image, image)).relu()
    step = lambda layer, slot, strength, state: dense(layer, torch.cat([slot, encode(strength), state])).relu()  # noqa: E731
    ahead, state = [], first
    for unit, strength in zip(units, known):
        state = step(phi.step_forward, compress(phi.compress_forward, unit), strength, state)
        ahead.append(state)
    back, state = {}, first
    for i in (2, 1, 0):
        state = step(phi.step_backward, compress(phi.compress_backward, units[i]), known[i], state)
        back[i] = state
    below = [i for i in range(3) if known[i] <= wanted]
    above = [i for i in range(3) if known[i] >= wanted]
    zero = torch.zeros_like(compress(phi.compress_image, image))
    asked_ahead = step(phi.step_forward, zero, wanted, ahead[below[-1]] if below else first)
    asked_back = step(phi.step_backward, zero, wanted, back[above[0]] if above else first)
    query = dense(phi.query, torch.cat([asked_ahead, asked_back]))
    scores = [dense(phi.key, torch.cat([ahead[i], back[i]])) @ query / math.sqrt(len(query)) for i in range(3)]
    total = sum(math.exp(score) for score in scores)
    attended = sum(math.exp(score) / total * phi.value(unit[None])[0] for score, unit in zip(scores, units))
    return wanted * attended + slow_average(noises, known, wanted, phi.weights)


@pytest.mark.parametrize("weights", ["paper", "linear"])
def test_equation_7(batch, weights):
    images, noise, known = batch
    with fixed_global_seed(3):
        phi = AANE(image_shape=(1, 8, 8), weights=weights, channels=3, hidden=7, strength_size=4, value_channels=5)
    wanted = torch.tensor([[0.045, 0.2, 0.01, 0.06], [0.04, 0.15, 0.1, 0.019]])
    estimate = phi.estimate(images, noise, known, wanted).detach()
    for row in range(2):
        for column in range(4):
            expected = slow_a_ane(phi, images[row], noise[row], known[row].tolist(), float(wanted[row, column]))
            torch.testing.assert_close(estimate[row, column], expected, atol=1e-6, rtol=1e-4)


def test_equation_7_holds_a_convex_combination_of_values_in_e_ane(batch):
    images, noise, known = batch
    with fixed_global_seed(0):
        phi = EANE(image_shape=(1, 8, 8), width=6, query_size=5)
    wanted = torch.tensor([[0.045, 0.2], [0.04, 0.01]])
    drawn = phi.estimate(images, noise, known, wanted)
    average = WeightedAverage().estimate(images, noise, known, wanted)
    attended = (drawn - average) / wanted[:, :, None, None, None]
    units = noise / known[:, :, None, None, None]
    at_known, _ = phi.states(images, units, known, wanted)
    values = phi.attention.value(at_known.flatten(0, 1)).unflatten(0, (2, 3))
    tolerance = 1e-5
    assert (attended <= values.amax(dim=1, keepdim=True) + tolerance).all()
    assert (attended >= values.amin(dim=1, keepdim=True) - tolerance).all()


def test_the_released_size_of_a_ane():
    phi = AANE(image_shape=(3, 32, 32))
    per_direction = (90 + 20 + 90) * 90 + 90
    assert sum(p.numel() for p in phi.step_forward.parameters()) == per_direction
    assert phi.compress_image(torch.zeros(1, 3, 32, 32)).shape == (1, 90)


def test_the_registry_names_the_remedy():
    phi = noise_estimator("a-ane", image_shape=(1, 8, 8), seed=4, hidden=11)
    again = noise_estimator("a-ane", image_shape=(1, 8, 8), seed=4, hidden=11)
    assert all(torch.equal(a, b) for a, b in zip(phi.parameters(), again.parameters()))
    assert noise_estimator("weighted-average", image_shape=(1, 8, 8), weights="paper").weights == "paper"
    with pytest.raises(InputError, match="noise_estimator: expected a known name, got a-an; did you mean 'a-ane'"):
        noise_estimator("a-an", image_shape=(1, 8, 8))
    with pytest.raises(InputError, match="rescale: expected settings of Rescale, got hidden"):
        noise_estimator("rescale", image_shape=(1, 8, 8), hidden=3)

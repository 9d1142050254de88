"""Eq. 6 and Eq. 7 against slow loops written from the text."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.estimators.noise import AANE, EANE, EANEMinus, PlusANE, WeightedAverage, noise_estimator
from wsrnas.estimators.noise.plus import separable_block
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
        for parameter in phi.parameters():
            parameter.data += 0.5 * torch.randn_like(parameter)
    wanted = torch.tensor([[0.045, 0.2, 0.01, 0.06], [0.04, 0.15, 0.1, 0.019]])
    estimate = phi.estimate(images, noise, known, wanted).detach()
    for row in range(2):
        for column in range(4):
            expected = slow_a_ane(phi, images[row], noise[row], known[row].tolist(), float(wanted[row, column]))
            torch.testing.assert_close(estimate[row, column], expected, atol=1e-6, rtol=1e-4)


def apply_block(block, maps):
    """One of the convolution blocks on maps (C,H,W), layer by layer."""
    maps = maps[None]
    for layer in block:
        if isinstance(layer, nn.Conv2d):
            groups = layer.groups
            maps = functional.conv2d(maps, layer.weight, layer.bias, padding=layer.padding, groups=groups)
        elif isinstance(layer, nn.GroupNorm):
            centred = maps - maps.mean()
            maps = centred / (maps.var(unbiased=False) + layer.eps).sqrt()
            maps = maps * layer.weight[:, None, None] + layer.bias[:, None, None]
        else:
            maps = maps.relu()
    return maps[0]


@torch.no_grad()
def slow_feature_maps(phi, image, noises, known, wanted):
    """E-ANE, E-ANE⁻ and plus-ANE for one image and one wanted strength, map by map."""
    states, count = phi.states, len(known)
    units = [noise / strength for noise, strength in zip(noises, known)]

    def step(block, state, strength, slot):
        encoded = dense(states.encode_strength.linear, torch.tensor([strength / 0.1])).relu()
        encoded = encoded[:, None, None].expand(-1, *image.shape[1:])
        return apply_block(block, torch.cat([state, encoded, slot])).relu()

    first = functional.conv2d(image[None], states.start.weight, states.start.bias, padding=1)[0].relu()
    ahead, state = [], first
    for i in range(count):
        state = step(states.step_forward, state, known[i], units[i])
        ahead.append(state)
    back, state = {}, first
    for i in reversed(range(count)):
        state = step(states.step_backward, state, known[i], units[i])
        back[i] = state
    below = [i for i in range(count) if known[i] <= wanted]
    above = [i for i in range(count) if known[i] >= wanted]
    slot = torch.zeros_like(image)
    asked = torch.cat(
        [
            step(states.step_forward, ahead[below[-1]] if below else first, wanted, slot),
            step(states.step_backward, back[above[0]] if above else first, wanted, slot),
        ]
    )
    if isinstance(phi, EANEMinus):
        return wanted * apply_block(phi.out, asked) + slow_average(noises, known, wanted, phi.weights)
    attention = phi.attention
    pairs = [torch.cat([ahead[i], back[i]]) for i in range(count)]
    query = apply_block(attention.query[0], asked).amax(dim=(1, 2))
    keys = [apply_block(attention.key[0], pair).amax(dim=(1, 2)) for pair in pairs]
    scores = [math.exp(float(key @ query) / math.sqrt(len(query))) for key in keys]
    attended = sum(score / sum(scores) * apply_block(attention.value, pair) for score, pair in zip(scores, pairs))
    return wanted * attended + slow_average(noises, known, wanted, phi.weights)


@pytest.mark.parametrize("weights", ["paper", "linear"])
@pytest.mark.parametrize(
    ("kind", "sizes"),
    [(EANE, {"width": 6, "query_size": 5}), (EANEMinus, {"width": 6}), (PlusANE, {"width": 7, "query_size": 5})],
    ids=["E-ANE", "E-ANE⁻", "plus-ANE"],
)
def test_the_feature_map_designs(batch, kind, sizes, weights):
    images, noise, known = batch
    with fixed_global_seed(3):
        phi = kind(image_shape=(1, 8, 8), weights=weights, state_channels=3, strength_channels=2, **sizes)
        for parameter in phi.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    wanted = torch.tensor([[0.045, 0.2, 0.01, 0.06], [0.04, 0.15, 0.1, 0.019]])
    estimate = phi.estimate(images, noise, known, wanted).detach()
    for row in range(2):
        for column in range(4):
            arguments = (images[row], noise[row], known[row].tolist(), float(wanted[row, column]))
            torch.testing.assert_close(estimate[row, column], slow_feature_maps(phi, *arguments), atol=1e-5, rtol=1e-4)


def test_plus_ane_is_made_of_depthwise_separable_bottlenecks():
    first, second = (
        [inputs * 7 + 7, 2 * 7, 7 * 9 + 7, 2 * 7, 7 * outputs + outputs] for inputs, outputs in ((3, 3), (3, 5))
    )
    block = separable_block(7, 2)(3, 5)
    counts = [sum(p.numel() for p in layer.parameters()) for layer in block if list(layer.parameters())]
    assert counts == [*first, *second], "1×1, norm, 3×3 per channel, norm, 1×1; twice"


def test_the_released_size_of_a_ane():
    phi = AANE(image_shape=(3, 32, 32))
    per_direction = (90 + 20 + 90) * 90 + 90
    assert sum(p.numel() for p in phi.step_forward.parameters()) == per_direction
    assert phi.compress_image(torch.zeros(1, 3, 32, 32)).shape == (1, 90)


def test_what_no_estimator_has_is_refused_with_the_remedy():
    phi = noise_estimator("a-ane", image_shape=(1, 8, 8), seed=4, hidden=11)
    again = noise_estimator("a-ane", image_shape=(1, 8, 8), seed=4, hidden=11)
    assert all(torch.equal(a, b) for a, b in zip(phi.parameters(), again.parameters()))
    assert noise_estimator("weighted-average", image_shape=(1, 8, 8), weights="paper").weights == "paper"
    with pytest.raises(
        InputError, match=r"noise_estimator: expected a known name .*, got 'a-an'; did you mean 'a-ane'"
    ):
        noise_estimator("a-an", image_shape=(1, 8, 8))
    with pytest.raises(
        InputError,
        match=r"noise_estimator\.settings\.hidden: expected a setting of 'rescale' \(source, shape\), got hidden",
    ):
        noise_estimator("rescale", image_shape=(1, 8, 8), hidden=3)

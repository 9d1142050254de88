"""Eq. 6 and Eq. 7 against slow loops written from the text."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.estimators.noise import AANE, EANE, EANEMinus, PlusANE, WeightedAverage, noise_estimator
from wsrnas.estimators.noise.maps import PIXELS, Pieces, plain_block
from wsrnas.estimators.noise.plus import bottleneck_block, released_block
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


def weigh(keys, query, form):
    """softmax(K q), score by score; the corrected form divides each by √d."""
    scores = [float(key @ query) / (1 if form == "printed" else math.sqrt(len(query))) for key in keys]
    exponentials = [math.exp(score - max(scores)) for score in scores]
    return [one / sum(exponentials) for one in exponentials]


def seen_by(form, noises, known):
    """The printed form sees the noises, the corrected one what they are in units of their strength."""
    return list(noises) if form == "printed" else [noise / strength for noise, strength in zip(noises, known)]


def strength_code(linear, strength, form):
    return dense(linear, torch.tensor([strength if form == "printed" else strength / 0.1])).relu()


@torch.no_grad()
def slow_a_ane(phi, image, noises, known, wanted):
    """Fig. 2 and Eq. 7 for one image and one wanted strength, vector by vector."""
    printed = phi.form == "printed"
    units = seen_by(phi.form, noises, known)
    encode = lambda strength: strength_code(phi.encode_strength.linear, strength, phi.form)  # noqa: E731

    def compress(module, picture):
        maps = functional.conv2d(
            picture[None], module.convolution.weight, module.convolution.bias, module.convolution.stride, 2
        )
        return functional.adaptive_max_pool2d(maps, 3).relu().flatten()

    compressed = compress(phi.compress_image, image)
    first = compressed if printed else dense(phi.image_state, compressed).relu()
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
    pairs = [torch.cat([ahead[i], back[i]]) for i in range(3)]
    shares = weigh(pairs if printed else [dense(phi.key, pair) for pair in pairs], query, phi.form)
    attended = sum(share * phi.value(unit[None])[0] for share, unit in zip(shares, units))
    return (attended if printed else wanted * attended) + slow_average(noises, known, wanted, phi.weights)


@pytest.mark.parametrize(
    ("form", "weights", "sizes"),
    [
        ("printed", None, {}),
        ("printed", "linear", {}),
        ("corrected", None, {"hidden": 7}),
        ("corrected", "paper", {"hidden": 7}),
    ],
)
def test_equation_7(batch, form, weights, sizes):
    images, noise, known = batch
    with fixed_global_seed(3):
        phi = AANE(
            image_shape=(1, 8, 8), form=form, weights=weights, channels=3, strength_size=4, value_channels=5, **sizes
        )
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
            maps = maps.clamp(0, 6) if isinstance(layer, nn.ReLU6) else maps.relu()
    return maps[0]


@torch.no_grad()
def slow_feature_maps(phi, image, noises, known, wanted):
    """E-ANE, E-ANE⁻ and plus-ANE for one image and one wanted strength, map by map."""
    states, count, printed = phi.states, len(known), phi.form == "printed"
    units = seen_by(phi.form, noises, known)

    def step(block, state, strength, slot):
        encoded = strength_code(states.encode_strength.linear, strength, phi.form)
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
        maps = apply_block(phi.out, asked)
        return maps if printed else wanted * maps + slow_average(noises, known, wanted, phi.weights)
    attention = phi.attention
    pairs = [torch.cat([ahead[i], back[i]]) for i in range(count)]
    query = apply_block(attention.query[0], asked).amax(dim=(1, 2))
    keys = [(pair if printed else apply_block(attention.key[0], pair)).amax(dim=(1, 2)) for pair in pairs]
    shares = weigh(keys, query, phi.form)
    attended = sum(share * apply_block(attention.value, pair) for share, pair in zip(shares, pairs))
    return (attended if printed else wanted * attended) + slow_average(noises, known, wanted, phi.weights)


MAPS = [
    *((kind, {"form": "corrected", "weights": weights, "width": 6, "query_size": 5})
      for kind in (EANE, PlusANE) for weights in ("paper", None)),
    (EANEMinus, {"form": "corrected", "width": 6}),
    *((kind, {"form": "printed", "width": 6}) for kind in (EANE, EANEMinus, PlusANE)),
    (EANE, {"form": "printed", "weights": "linear", "width": 6}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "sizes"), MAPS, ids=lambda part: getattr(part, "__name__", ""))
def test_the_feature_map_designs(batch, kind, sizes):
    images, noise, known = batch
    with fixed_global_seed(3):
        phi = kind(image_shape=(1, 8, 8), state_channels=3, strength_channels=2, **sizes)
        for parameter in phi.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    wanted = torch.tensor([[0.045, 0.2, 0.01, 0.06], [0.04, 0.15, 0.1, 0.019]])
    estimate = phi.estimate(images, noise, known, wanted).detach()
    for row in range(2):
        for column in range(4):
            arguments = (images[row], noise[row], known[row].tolist(), float(wanted[row, column]))
            torch.testing.assert_close(estimate[row, column], slow_feature_maps(phi, *arguments), atol=1e-5, rtol=1e-4)


def sizes_of(block):
    return [sum(p.numel() for p in layer.parameters()) for layer in block if list(layer.parameters())]


def test_corrected_plus_ane_is_made_of_depthwise_separable_bottlenecks():
    first, second = (
        [inputs * 7 + 7, 2 * 7, 7 * 9 + 7, 2 * 7, 7 * outputs + outputs] for inputs, outputs in ((3, 3), (3, 5))
    )
    assert sizes_of(bottleneck_block(7, 2)(3, 5)) == [*first, *second], "1×1, norm, 3×3 per channel, norm, 1×1; twice"


def test_printed_plus_ane_is_made_of_the_released_layers():
    """Counts of the released code's first block: 7 channels in, 3 out, 300 between; our last layer has a bias."""
    norm_in, expand, back, norm, depthwise, last = 2 * 7, 7 * 9 * 300 + 300, 300 * 3, 2 * 3, 3 * 9, 3 * 3 + 3
    assert sizes_of(released_block(300)(7, 3)) == [norm_in, expand, back, norm, depthwise, norm, last]


@pytest.mark.parametrize("make", [plain_block(5), bottleneck_block(5, 2), released_block(5)])
@pytest.mark.parametrize("size", [3, 40, 60])
def test_pieces_are_their_layers(make, size):
    """On several pieces, on one, and on one image larger than a piece: values and gradients are those of the layers."""
    generator = stream(0, "pieces")
    block, count = make(3, 2), 3
    assert isinstance(block, Pieces)
    assert (count * size**2 > PIXELS) == (size > 3)
    maps = torch.rand(count, 3, size, size, generator=generator, requires_grad=True)
    whole = nn.Sequential(*block)
    for found, expected in zip(values_and_gradients(block, maps), values_and_gradients(whole, maps), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def values_and_gradients(block, maps):
    output = block(maps)
    return [output, *torch.autograd.grad(output.square().mean(), [maps, *block.parameters()])]


def test_the_released_size_of_a_ane():
    phi = AANE(image_shape=(3, 32, 32))
    per_direction = (90 + 20 + 90) * 90 + 90
    assert sum(p.numel() for p in phi.step_forward.parameters()) == per_direction
    assert phi.compress_image(torch.zeros(1, 3, 32, 32)).shape == (1, 90)


def test_the_printed_form_has_no_layer_on_keys_and_first_state():
    def weights(phi):
        return {name: parameter.numel() for name, parameter in phi.named_parameters()}

    printed, corrected = (weights(AANE(image_shape=(3, 32, 32), form=form)) for form in ("printed", "corrected"))
    without = {name: count for name, count in corrected.items() if not name.startswith(("image_state", "key"))}
    assert printed == without
    assert sum(corrected.values()) - sum(printed.values()) == (90 * 90 + 90) + (180 * 180 + 180)
    keys = {name for kind in (EANE, PlusANE) for name in weights(kind(image_shape=(3, 8, 8), form="printed"))}
    assert not any("attention.key" in name for name in keys)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("a-ane", {"form": "printed", "hidden": 7}, "hidden: expected none in the printed form, whose first state is"),
        (
            "e-ane",
            {"form": "printed", "query_size": 7},
            "query_size: expected none in the printed form, whose keys",
        ),
        ("plus-ane", {"form": "printed", "depth": 2}, "depth: expected none in the printed form, whose blocks are"),
        ("e-ane-minus", {"form": "printed", "weights": "paper"}, "weights: expected none in the printed form, which"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(name, settings, message):
    with pytest.raises(InputError, match=message):
        noise_estimator(name, image_shape=(1, 8, 8), **settings)


def test_what_no_estimator_has_is_refused_with_the_remedy():
    phi = noise_estimator("a-ane", image_shape=(1, 8, 8), seed=4, hidden=11)
    again = noise_estimator("a-ane", image_shape=(1, 8, 8), seed=4, hidden=11)
    assert all(torch.equal(a, b) for a, b in zip(phi.parameters(), again.parameters()))
    assert noise_estimator("weighted-average", image_shape=(1, 8, 8), weights="paper").weights == "paper"
    with pytest.raises(
        InputError, match=r"noise_estimator(?:.name)?: expected a known name .*, got 'a-an'; did you mean 'a-ane'"
    ):
        noise_estimator("a-an", image_shape=(1, 8, 8))
    with pytest.raises(
        InputError,
        match=r"noise_estimator\.settings\.hidden: expected a setting of 'rescale' \(source, shape\), got hidden",
    ):
        noise_estimator("rescale", image_shape=(1, 8, 8), hidden=3)

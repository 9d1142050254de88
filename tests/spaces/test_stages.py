"""The space of whole networks: what it says of a network is true of the network that is built."""

import json
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.networks.cost import count_cost
from wsrnas.networks.resnet import ResNet
from wsrnas.networks.stages.style import GroupNorm
from wsrnas.networks.wide_resnet import WideResNet
from wsrnas.rng import stream
from wsrnas.spaces import Genotype, NetworkConfig, Stage, StageGenotype, StageSpace, known_genotypes, read_genotype
from wsrnas.spaces.stages import KNOWN

SPACE = StageSpace()
NARROW = StageSpace(stages=2, depth=(1, 2, 3), width=(1, 2), block=("basic",), kernel=(3,), squeeze=(False,))
CONFIG = NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=(1, 8, 8))


def choices(space=SPACE):
    """Every choice of a space, decision by decision so that hypothesis can shrink it."""
    return st.tuples(*(st.integers(0, len(decision.options) - 1) for decision in space.decisions))


def stage(**settings):
    plain = {"block": "basic", "depth": 1, "width": 1, "kernel": 3, "squeeze": False, "stride": 1}
    return Stage(**{**plain, **settings})


def network(*stages, stem="plain", activation="relu", normalisation="batch", order="pre"):
    return StageGenotype(stem=stem, activation=activation, normalisation=normalisation, order=order, stages=stages)


def graph(genotype, config=CONFIG):
    """What the built network computes, as text: every layer with its sizes, in the order of the forward pass."""
    with torch.device("meta"):
        built = SPACE.build(genotype, config)
    return repr(built)


@settings(deadline=None, max_examples=40)
@given(choices())
def test_every_notation_is_read_back(choice):
    genotype = SPACE.at(choice)
    assert SPACE.at(SPACE.choice(genotype)) == genotype
    assert SPACE.decode(SPACE.encode(genotype)) == genotype
    assert read_genotype(genotype.to_json()) == SPACE.parse(genotype.to_json()) == genotype
    assert Genotype.from_json(genotype.to_json()).id == genotype.id


@settings(deadline=None, max_examples=4)
@given(choices())
def test_neighbours_are_all_others_at_one_decision_and_it_is_mutual(choice):
    genotype = SPACE.at(choice)
    neighbours = SPACE.neighbours(genotype)
    assert len(neighbours) == sum(len(decision.options) - 1 for decision in SPACE.decisions)
    for neighbour in neighbours:
        changed = [a != b for a, b in zip(SPACE.choice(genotype), SPACE.choice(neighbour))]
        assert sum(changed) == 1
        assert genotype in SPACE.neighbours(neighbour)
        assert SPACE.canonical(neighbour) != SPACE.canonical(genotype)


@settings(deadline=None, max_examples=15)
@given(choices(NARROW), choices(NARROW))
def test_canonical_keys_are_equal_exactly_where_the_built_networks_are(first, second):
    one, other = NARROW.at(first), NARROW.at(second)
    assert (SPACE.canonical(one) == SPACE.canonical(other)) == (graph(one) == graph(other))


def test_where_a_stage_ends_that_goes_on_in_the_next_changes_nothing():
    """Two blocks and three, or four and one: five of the same. A stride, a width or a kind between them is a border."""
    parts = [network(stage(depth=a, width=2), stage(depth=b, width=2)) for a, b in ((2, 3), (4, 1))]
    parts.append(network(stage(depth=5, width=2)))
    assert len({SPACE.canonical(part) for part in parts}) == len({graph(part) for part in parts}) == 1
    assert len({part.id for part in parts}) == 3
    for border in ({"stride": 2}, {"width": 3}, {"squeeze": True}, {"kernel": 5}, {"block": "dense"}):
        bordered = [
            network(stage(depth=a, width=2), stage(**{"depth": b, "width": 2, **border})) for a, b in ((2, 3), (4, 1))
        ]
        assert SPACE.canonical(bordered[0]) != SPACE.canonical(bordered[1])
        assert graph(bordered[0]) != graph(bordered[1])


def test_every_two_genotypes_of_a_small_space_agree_on_key_and_network():
    tiny = replace(
        NARROW, depth=(1, 2), stem=("plain",), activation=("relu",), normalisation=("batch",), order=("pre",)
    )
    keys = {}
    for choice in product(*(range(len(decision.options)) for decision in tiny.decisions)):
        genotype = tiny.at(choice)
        keys.setdefault(tiny.canonical(genotype), set()).add(graph(genotype))
    assert all(len(graphs) == 1 for graphs in keys.values())
    assert len({text for graphs in keys.values() for text in graphs}) == len(keys)
    assert len(keys) < 2 * 2 * 2 * 2 * 2 * 2


@settings(deadline=None, max_examples=10)
@given(
    choices(), st.integers(1, 9), st.integers(1, 12), st.sampled_from([1, 3]), st.sampled_from(["cifar", "imagenet"])
)
def test_sizes_are_those_of_the_built_network_to_the_last_digit(choice, channels, size, colours, stem):
    genotype = SPACE.at(choice)
    config = NetworkConfig(
        channels=channels, layers=1, num_classes=3, image_shape=(colours, size, 13 - size), stem=stem
    )
    with torch.device("meta"):
        expected = count_cost(SPACE.build(genotype, config), config.image_shape)
    assert SPACE.cost(genotype, config) == expected
    assert SPACE.parameters(genotype, config) == expected.parameters


@settings(deadline=None, max_examples=25)
@given(choices(), st.sampled_from([(1, 8, 8), (3, 16, 16), (3, 1, 1), (1, 3, 5)]))
def test_every_network_runs_with_finite_gradients_for_every_weight(choice, shape):
    """Also where the resolution was halved until one pixel is left, on one image in evaluation mode, and in float64."""
    genotype = SPACE.at(choice)
    config = NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=shape, mean=(0.4,), std=(0.3,))
    built = SPACE.build(genotype, config).double()
    images = torch.rand(4, *shape, dtype=torch.float64, generator=stream(0, "images"))
    logits = built(images)
    assert logits.dtype == torch.float64
    logits.square().sum().backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    one = built.eval()(images[:1])
    assert torch.allclose(one, built(images)[:1])
    assert SPACE.build(genotype, config).eval()(images[:1].float()).dtype == torch.float32


@settings(deadline=None, max_examples=15)
@given(choices(), st.sampled_from([(8, 8), (16, 16), (1, 1), (7, 2)]))
def test_the_resolution_is_halved_where_the_genotype_says_and_never_below_one_pixel(choice, size):
    genotype = SPACE.at(choice)
    config = NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=(1, *size))
    built = SPACE.build(genotype, config).eval()
    sizes = []
    for block in built.blocks:
        block.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape[2:])))
    built(torch.rand(1, 1, *size))
    halvings, place = int(genotype.stem == "patchify"), 0
    for one in genotype.stages:
        halvings += one.stride == 2
        for _ in range(one.depth):
            assert sizes[place] == tuple(max(-(-side // 2**halvings), 1) for side in size)
            place += 1
    assert place == len(sizes)


def test_sampling_is_uniform_over_every_decision():
    generator, draws = stream(0, "uniform"), 600
    counts = [Counter() for _ in SPACE.decisions]
    for _ in range(draws):
        for count, taken in zip(counts, SPACE.choice(SPACE.sample(generator))):
            count[taken] += 1
    for decision, count in zip(SPACE.decisions, counts):
        share = 1 / len(decision.options)
        for option in range(len(decision.options)):
            assert count[option] == pytest.approx(share * draws, abs=4.5 * (draws * share * (1 - share)) ** 0.5)


def test_large_photographs_get_a_stem_that_quarters_them():
    config = NetworkConfig(channels=4, layers=1, num_classes=3, image_shape=(3, 65, 64), stem="imagenet")
    for kind in SPACE.stem:
        built = SPACE.build(network(stage(), stem=kind), config).eval()
        assert built.stem(torch.rand(1, 3, 65, 64)).shape == (1, 4, 17, 16)
    with pytest.raises(InputError, match=r"^stem: expected 'cifar' or 'imagenet', got 'none'$"):
        SPACE.build(network(stage()), replace(config, stem="none"))


def test_residual_networks_of_the_zoo_are_points_of_it():
    """WRN-34-10 and the four-stage ResNet-18, weight for weight."""
    config = NetworkConfig(channels=16, layers=1, num_classes=10, image_shape=(3, 32, 32))
    strides = (1, 2, 2, 2)
    wide = network(*(stage(depth=5, width=10 * 2**i, stride=strides[i]) for i in range(3)))
    plain = network(*(stage(depth=2, width=2**i, stride=strides[i]) for i in range(4)), order="post")
    with torch.device("meta"):
        assert SPACE.cost(wide, config) == count_cost(WideResNet(depth=34, channels=160), (3, 32, 32))
        reference = ResNet(blocks=(2, 2, 2, 2), bottleneck=False)
        assert SPACE.cost(plain, replace(config, channels=64)) == count_cost(reference, (3, 32, 32))


@pytest.mark.parametrize(
    ("name", "depths", "widths", "millions"),
    [
        ("stages-wrn-34-r", (5, 5, 5), (320, 640, 512), 68.1),
        ("wrn-a1", (14, 14, 7), (16 * 5, 32 * 7, 64 * 3), None),
        ("wrn-a2", (17, 17, 8), (16 * 7, 32 * 9, 64 * 4), None),
        ("wrn-a3", (22, 22, 11), (16 * 8, 32 * 11, 64 * 5), None),
        ("wrn-a4", (27, 28, 13), (16 * 10, 32 * 14, 64 * 6), None),
    ],
)
def test_published_robust_networks_have_their_published_stages_at_sixteen_channels(name, depths, widths, millions):
    """Depths, widening factors and the 68.1 M of WRN-34-R are printed in the papers' own repositories."""
    config = NetworkConfig(channels=16, layers=1, num_classes=10, image_shape=(3, 32, 32))
    genotype = KNOWN[name].genotype
    assert tuple(one.depth for one in genotype.stages) == depths
    assert tuple(16 * one.width for one in genotype.stages) == widths
    assert KNOWN[name].exact
    if millions is not None:
        assert SPACE.parameters(genotype, config) / 1e6 == pytest.approx(millions, abs=0.05)
    with pytest.raises(InputError, match=r"^genotype, stage 1: expected .*; it can be built but not searched$"):
        SPACE.choice(genotype)


def test_the_published_rules_are_points_that_the_space_searches():
    for name in ("stages-wide", "stages-narrow-end", "stages-scaled", "stages-principled"):
        genotype = SPACE.known[name]
        assert SPACE.decode(SPACE.encode(genotype)) == genotype
    scaled = SPACE.known["stages-scaled"].stages
    factors = [one.width / 2**place for place, one in enumerate(scaled)]
    assert factors == [2, 2.5, 1]
    assert sum(one.depth for one in scaled) / sum(factors) == pytest.approx(7 / 3, rel=0.02)
    assert not set(known_genotypes()) & set(zoo.list_models())


def test_a_stage_changed_by_hand_is_refused_in_one_sentence():
    text = SPACE.known["stages-scaled"].to_json()
    cases = [
        (["stem"], "plane", r"^genotype: expected stem plain or convolutional or patchify, got 'plane'; did you mean"),
        (["stem"], None, r"^genotype, stem: expected a value of type str, got None$"),
        (["stages"], [], r"^genotype: expected 1 to 16 stages, got 0$"),
        (["stages"], {"1": 2}, r"^genotype, stages: expected a list, got dict$"),
        (["stages", 1], 3, r"^genotype, stage 2: expected an object with block, depth, .*, got int$"),
        (["stages", 0, "depth"], 10**12, r"^genotype, stage 1: expected depth from 1 to 200, got 1000000000000$"),
        (["stages", 0, "depth"], 2.0, r"^genotype, stage 1, depth: expected a value of type int, got 2.0$"),
        (["stages", 0, "depth"], True, r"^genotype, stage 1, depth: expected a value of type int, got True$"),
        (["stages", 2, "kernel"], 4, r"^genotype, stage 3: expected kernel from 1 to 11, odd, got 4$"),
        (["stages", 2, "stride"], 3, r"^genotype, stage 3: expected stride from 1 to 2, got 3$"),
        (["stages", 2, "squeeze"], 1, r"^genotype, stage 3, squeeze: expected a value of type bool, got 1$"),
        (
            ["stages", 2, "block"],
            "bottle",
            r"^genotype, stage 3: expected block basic or .*; did you mean 'bottleneck'",
        ),
        (["stages", 2, "dilation"], 2, r"^genotype, stage 3: expected the fields block, .*, got 'dilation'; "),
        (["wings"], 2, r"^genotype: expected the fields stem, activation, normalisation, order, got 'wings'; "),
        (["cells"], {}, r"^genotype: expected a genotype with 'space' and 'cells' or 'stages', got other JSON$"),
        (["space"], "darts", r"^genotype: expected the cells normal, reduce, got stages$"),
    ]
    for path, value, message in cases:
        data = json.loads(text)
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        with pytest.raises(InputError, match=message) as caught:
            read_genotype(json.dumps(data))
        assert "\n" not in str(caught.value)
    for missing in ("order", "stages"):
        data = json.loads(text)
        del data[missing]
        with pytest.raises(InputError, match=r"^genotype: expected "):
            read_genotype(json.dumps(data))


@pytest.mark.parametrize("name", ["depth", "width", "kernel", "stride"])
def test_a_stage_made_in_python_is_checked_as_one_that_is_read(name):
    """True counts as 1 in Python, but would be written as another word."""
    with pytest.raises(InputError, match=rf"^genotype, stage 1: expected {name} of type int, got True$"):
        SPACE.build(network(stage(**{name: True})), CONFIG)


def test_networks_of_another_number_of_stages_are_built_but_not_searched():
    four = network(*(stage(stride=1 + bool(i)) for i in range(4)))
    assert SPACE.build(four, CONFIG)(torch.rand(2, 1, 8, 8)).shape == (2, 3)
    with pytest.raises(InputError, match=r"^genotype: expected 3 stages, got 4; it can be built but not searched$"):
        SPACE.neighbours(four)
    assert StageSpace(stages=4).decode(StageSpace(stages=4).encode(four)) == four
    with pytest.raises(InputError, match=r"^genotype: expected activation silu, got relu; it can be built but"):
        StageSpace(stages=4, activation=("silu",)).choice(four)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stages": 0}, r"^stages: expected at least 1, got 0$"),
        ({"depth": ()}, r"^depth: expected distinct options, at least one, got \(\)$"),
        ({"width": (2, 2)}, r"^width: expected distinct options, at least one, got \(2, 2\)$"),
        ({"activation": ("relu", "selu")}, r"^activation: expected activation relu or .*, got 'selu'; did you mean"),
        ({"kernel": (2,)}, r"^kernel: expected kernel from 1 to 11, odd, got 2$"),
        ({"depth": (True,)}, r"^depth: expected depth of type int, got True$"),
    ],
)
def test_impossible_spaces_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        StageSpace(**options)


def test_layers_are_those_of_the_choices():
    """One look inside: activation, normalisation, kernels, groups, squeeze and strides are where they should be."""
    one = network(
        stage(block="inverted", width=8, kernel=5, stride=2, squeeze=True), activation="gelu", normalisation="group"
    )
    built = SPACE.build(one, replace(CONFIG, channels=4))
    kinds = Counter(type(module) for module in built.modules())
    assert kinds[nn.GELU] == 5
    assert kinds[GroupNorm] == 4
    assert kinds[nn.BatchNorm2d] == kinds[nn.ReLU] == 0
    spatial = [module for module in built.blocks.modules() if isinstance(module, nn.Conv2d) and module.groups > 1]
    assert [(m.groups, m.kernel_size, m.stride) for m in spatial] == [(16, (5, 5), (2, 2))]

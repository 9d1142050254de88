"""Eq. 2 and the static sub-network `at`, against loops written from the paper's text."""

import pytest
import torch

from wsrnas.networks.cells.cells import reduction_positions
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.spaces import DartsSpace, NasBench201Space, NetworkConfig
from wsrnas.spaces.base import gumbel_softmax, sample_gumbel

CONFIG = NetworkConfig(channels=2, layers=3, num_classes=3, image_shape=(3, 8, 8))
SMALL = NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=(3, 8, 8))
SPACES = [DartsSpace(), DartsSpace(nodes=2), NasBench201Space()]
NAMES = ["darts", "two-nodes", "nb201"]


@pytest.fixture
def no_initialisation(monkeypatch):
    """Weights without values need none."""
    for name in ("kaiming_uniform_", "uniform_"):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)


def seeded(space, config=CONFIG):
    with fixed_global_seed(0, "supernet"):
        return space.supernet(config)


def images(count=4, channels=3, size=8):
    return torch.rand(count, channels, size, size, generator=stream(0, "images"))


def one_cell(inputs, rows, operations, arch_weights, first):
    """Node j is the sum over all earlier nodes i of Σ_k h_ij,k · o_k(node_i); rows go by target, then source."""
    nodes, row = list(inputs), 0
    while row < rows:
        node = 0
        for i in range(len(nodes)):
            for k, operation in enumerate(operations[row]):
                node = node + float(arch_weights[first + row, k]) * operation(nodes[i])
            row += 1
        nodes.append(node)
    return nodes


def darts_loop(whole, pixels, arch_weights):
    rows = len(arch_weights) // 2
    before_last, last = whole.stem(whole.normalize(pixels))
    for position, cell in enumerate(whole.cells):
        first = rows if position in reduction_positions(len(whole.cells)) else 0
        inputs = [cell.preprocess[0](before_last), cell.preprocess[1](last)]
        nodes = one_cell(inputs, rows, cell.edges, arch_weights, first)
        before_last, last = last, torch.cat(nodes[2:], dim=1)
    return whole.classifier(last.mean(dim=(2, 3)))


def nasbench201_loop(whole, pixels, arch_weights):
    features = whole.network.stem(whole.network.normalize(pixels))
    for block in whole.network.body:
        mixed = hasattr(block, "edges")
        features = one_cell([features], 6, block.edges, arch_weights, 0)[3] if mixed else block(features)
    return whole.network.classifier(whole.network.last(features).mean(dim=(2, 3)))


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_equation_2_against_a_loop_over_edges_and_operations(space):
    whole = seeded(space)
    shape = (space.num_edges, space.num_operations)
    weights = gumbel_softmax(torch.zeros(shape), sample_gumbel(shape, stream(0, "gumbel")), 1.0)
    loop = darts_loop if isinstance(space, DartsSpace) else nasbench201_loop
    assert torch.allclose(whole.mixture(images(), weights), loop(whole, images(), weights), atol=1e-5)


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_the_sub_network_equals_the_mixture_with_one_hot_weights(space):
    """Genotypes, and choices with every edge active and some operations `none`, as the paper samples them."""
    whole, generator = seeded(space), stream(0, "choices")
    choices = [space.choice(space.sample(generator)) for _ in range(2)]
    for _ in range(2):
        choices.append(tuple(torch.randint(space.num_operations, (space.num_edges,), generator=generator).tolist()))
        choices.append(tuple(k if k % 2 else 0 for k in choices[-1]))
    for choice in choices:
        expected = whole.mixture(images(), space.one_hot(choice))
        assert torch.allclose(whole.at(choice)(images()), expected, atol=1e-5), choice


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_all_none_gives_the_same_logits_for_every_image(space):
    logits = seeded(space).at((0,) * space.num_edges)(images())
    assert torch.allclose(logits, logits[:1].expand_as(logits))


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_the_mixture_is_differentiable_in_the_weights(space):
    """The gradient points up: a small step along it raises the output by step · |gradient|², and `none` has none."""
    whole = seeded(space)
    weights = torch.full((space.num_edges, space.num_operations), 1 / space.num_operations, requires_grad=True)
    output = whole.mixture(images(16), weights)[:, 0].square().mean()
    (gradient,) = torch.autograd.grad(output, weights)
    assert torch.equal(gradient[:, 0], torch.zeros(space.num_edges))
    assert (gradient[:, 1:] != 0).all()
    step = 0.01 / float(gradient.norm())
    with torch.no_grad():
        up, down = (whole.mixture(images(16), weights + s * gradient)[:, 0].square().mean() for s in (step, -step))
    assert float(up - down) == pytest.approx(2 * step * float(gradient.square().sum()), rel=0.1)


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_the_sub_network_holds_only_the_weights_it_uses(space):
    whole = seeded(space)
    part = whole.at(space.choice(space.sample(stream(5, "genotype"))))
    part(images()).square().sum().backward()
    used = {id(p) for p in part.parameters()}
    assert all((p.grad is not None) == (id(p) in used) for p in whole.parameters())
    assert len(used) < len(list(whole.parameters()))


@pytest.mark.parametrize("space", SPACES[1:], ids=NAMES[1:])
def test_the_sub_network_never_waits_for_the_device(space, no_initialisation):
    """On the meta device there are no values, so any decision taken on one would fail."""
    with torch.device("meta"):
        whole = space.supernet(SMALL)
        part = whole.at(tuple(i % space.num_operations for i in range(space.num_edges)))
        assert part(torch.empty(2, 3, 8, 8)).shape == (2, 3)
        weights = torch.empty(space.num_edges, space.num_operations)
        assert whole.mixture(torch.empty(2, 3, 8, 8), weights).shape == (2, 3)


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_channels_last_gives_the_same_logits(space):
    whole = seeded(space)
    choice = space.choice(space.sample(stream(2, "genotype")))
    expected = whole.at(choice)(images())
    other = whole.to(memory_format=torch.channels_last).at(choice)
    assert torch.allclose(other(images().to(memory_format=torch.channels_last)), expected, atol=1e-5)


def test_the_super_network_of_the_released_size_has_its_number_of_parameters(no_initialisation):
    config = NetworkConfig(channels=16, layers=8, num_classes=10, image_shape=(3, 32, 32))
    with torch.device("meta"):
        whole = DartsSpace().supernet(config)
    assert sum(p.numel() for p in whole.parameters()) == 1_930_618


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_batch_norm_keeps_nothing_between_batches(space):
    whole = seeded(space)
    part = whole.at(space.choice(space.sample(stream(2, "genotype"))))
    before = part(images())
    part(5 * images())
    assert torch.equal(part(images()), before)
    assert {name.split(".")[-1] for name, _ in whole.named_buffers()} == {"mean", "std"}


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_the_darts_super_network_has_both_stems(stem):
    space = DartsSpace(nodes=1)
    whole = seeded(space, NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=(3, 32, 32), stem=stem))
    weights = torch.full((space.num_edges, space.num_operations), 0.1)
    assert whole(images(size=32), weights).shape == (4, 3)

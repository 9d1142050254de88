"""Every faster way of computing gives what the plain way gives, forwards and backwards; the door closes all of them."""

import pytest
import torch
from torch import nn

from wsrnas import rng
from wsrnas.attacks import PGD
from wsrnas.fast import FastPath, use_fast_paths
from wsrnas.networks.activation import use_activation
from wsrnas.networks.cells.depthwise import DepthwiseConv2d
from wsrnas.networks.cells.operations import DERIVED, OPERATIONS, SHARED, make_operation
from wsrnas.networks.cells.sharing import halves, join
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig

FORMATS = (torch.contiguous_format, torch.channels_last)


def gradients(network, images, weights):
    """Return the output of a random linear functional, and its gradients to images and parameters."""
    leaf = images.detach().clone().requires_grad_(True)
    output = network(leaf)
    wanted = [leaf, *(parameter for parameter in network.parameters() if parameter.requires_grad)]
    return output.detach(), torch.autograd.grad(
        (output * weights(output)).sum() + leaf.sum(), wanted, allow_unused=True
    )


def assert_same(network, images, atol):
    generator = torch.Generator().manual_seed(1)
    drawn = {}

    def weights(output):
        return drawn.setdefault("w", torch.randn(output.shape, generator=generator, dtype=output.dtype))

    fast = gradients(use_fast_paths(network, True), images, weights)
    plain = gradients(use_fast_paths(network, False), images, weights)
    torch.testing.assert_close(fast[0], plain[0], rtol=0, atol=atol)
    assert len(fast[1]) == len(plain[1])
    for ours, theirs in zip(fast[1], plain[1]):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            torch.testing.assert_close(ours, theirs, rtol=atol, atol=atol)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation(name, stride, size, memory_format):
    for norm in (DERIVED, SHARED):
        operation = make_operation(name, 4, stride, norm).double()
        images = torch.randn(3, 4, *size, dtype=torch.float64).contiguous(memory_format=memory_format)
        assert_same(operation, images, 1e-9)


@pytest.mark.parametrize("size", [(5, 8), (6, 6)])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 1, 1), (5, 1, 2), (3, 2, 2), (3, 2, 4), (5, 3, 3), (3, 1, 3)]
)
def test_the_turned_kernel_is_the_gradient_and_has_one_itself(kernel, stride, dilation, size):
    layer = DepthwiseConv2d(2, kernel, stride=stride, dilation=dilation).double()
    images = torch.randn(1, 2, *size, dtype=torch.float64, requires_grad=True)
    weight = layer.weight.detach().clone().requires_grad_(True)

    def run(images, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (images,))

    assert torch.autograd.gradcheck(run, (images, weight), fast_mode=True)
    assert torch.autograd.gradgradcheck(run, (images, weight), fast_mode=True)


def test_frozen_weights_keep_no_features():
    layer = DepthwiseConv2d(2, 3)
    images = torch.randn(1, 2, 5, 5, requires_grad=True)
    assert len(layer(images).grad_fn.saved_tensors) == 2
    layer.requires_grad_(False)
    assert len(layer(images).grad_fn.saved_tensors) == 1


def test_split_and_join_have_the_gradients_of_slices():
    maps = torch.randn(2, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(halves, (maps,))
    other = torch.randn(2, 1, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda first, second: join([first, second]), (maps, other))
    joined = join([maps.contiguous(memory_format=torch.channels_last)] * 2)
    assert torch.equal(joined, torch.cat([maps, maps], dim=1))


@pytest.mark.parametrize("space", ["darts", "nb201"])
@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 7, 9)])
def test_whole_sub_networks(space, shape):
    space = get_space(space)
    config = NetworkConfig(channels=4, layers=3, num_classes=4, image_shape=shape)
    with rng.fixed_global_seed(0, "fast"):
        supernet = space.supernet(config)
    for index in range(4):
        genotype = space.sample(rng.stream(0, "fast", index))
        images = torch.rand(5, *shape)
        for network in (supernet.at(space.choice(genotype)), space.build(genotype, config).train()):
            assert_same(network, images, 2e-4)
            assert_same(network.eval(), images, 2e-4)


def test_architectures_with_empty_nodes_and_edges():
    space = get_space("darts")
    supernet = space.supernet(NetworkConfig(channels=4, layers=4, num_classes=3, image_shape=(3, 8, 8)))
    for index in range(6):
        generator = torch.Generator().manual_seed(index)
        choice = tuple(torch.randint(-1, 4, (space.num_edges,), generator=generator).tolist())
        assert_same(supernet.at(choice), torch.rand(4, 3, 8, 8), 2e-4)


def test_another_activation_is_not_taken_for_a_relu():
    space = get_space("darts")
    config = NetworkConfig(channels=4, layers=3, num_classes=3, image_shape=(3, 8, 8))
    network = use_activation(space.build(space.sample(rng.stream(0, "silu")), config), "silu")
    assert_same(network, torch.rand(4, 3, 8, 8), 2e-4)


def test_the_door_closes_every_fast_path_also_of_later_sub_networks():
    space = get_space("darts")
    supernet = space.supernet(NetworkConfig(channels=4, layers=3, num_classes=3, image_shape=(3, 8, 8)))
    for fast in (False, True):
        Runtime(RuntimeConfig(device="cpu", fast=fast)).prepare(supernet)
        network = supernet.at(space.choice(space.sample(rng.stream(0, "door"))))
        found = [module.fast for module in network.modules() if isinstance(module, FastPath)]
        assert found
        assert set(found) == {fast}
    assert FastPath.fast


def test_both_ways_give_the_same_attack():
    torch.manual_seed(0)
    network = nn.Sequential(DepthwiseConv2d(3, 3, dilation=2), nn.Flatten(), nn.Linear(3 * 64, 4))
    images, labels = torch.rand(8, 3, 8, 8), torch.arange(8) % 4
    attack = PGD(eps=0.1, steps=4, random_start=False)
    fast = attack(use_fast_paths(network, True), images, labels)
    plain = attack(use_fast_paths(network, False), images, labels)
    assert torch.equal(fast, plain)

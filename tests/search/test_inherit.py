"""Weights taken over from a super-network: the stand-alone network computes what the shared sub-network computes."""

import pytest
import torch
from torch import nn

from wsrnas import rng
from wsrnas.errors import InputError
from wsrnas.search.evaluators.inherit import inherit
from wsrnas.spaces import NetworkConfig, get_space

SIZES = NetworkConfig(channels=4, layers=3, num_classes=10, image_shape=(1, 8, 8))


@pytest.mark.parametrize("name", ["darts", "nb201"])
def test_the_heir_computes_what_the_sub_network_computes(name):
    """With the statistics of the batch; without pooling, which the super-network of DARTS cells alone normalises."""
    space = get_space(name)
    with rng.fixed_global_seed(0, "inherit"):
        supernet = space.supernet(SIZES)
    index, compared = 0, 0
    while compared < 3:
        genotype = space.sample(rng.stream(0, "inherit", index))
        index += 1
        if "pool" in genotype.to_json():
            continue
        compared += 1
        network, shared = space.build(genotype, SIZES), supernet.at(space.choice(genotype))
        images = torch.rand(8, 1, 8, 8, generator=rng.stream(0, "images"))
        before = network.train()(images)
        inherit(network, shared)
        assert torch.allclose(network(images), shared.train()(images), atol=1e-5)
        assert not torch.allclose(network(images), before, atol=1e-2)


def test_training_the_heir_leaves_the_shared_weights_alone():
    space = get_space("nb201")
    genotype = space.sample(rng.stream(0, "inherit", 5))
    supernet = space.supernet(SIZES)
    kept = [weight.clone() for weight in supernet.parameters()]
    network = space.build(genotype, SIZES)
    inherit(network, supernet.at(space.choice(genotype)))
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(1.0)
    assert all(torch.equal(one, other) for one, other in zip(kept, supernet.parameters()))


def test_networks_of_two_genotypes_are_refused():
    one = nn.Sequential(nn.Conv2d(1, 2, 3))
    with pytest.raises(
        InputError, match=r"^shared: expected layers of shapes \[\(2, 1, 3, 3\)\], got \[\(2, 1, 1, 1\)\]"
    ):
        inherit(one, nn.Sequential(nn.Conv2d(1, 2, 1)))

"""Every family goes through torch.export with any batch size: no branch on the data, nothing outside the graph."""

import pytest
import torch

from wsrnas import zoo
from wsrnas.networks.robust_resnet import RobustResNet

SHAPE = (1, 16, 16)


def small(name, layers):
    return zoo.create(name, num_classes=3, image_shape=SHAPE, channels=4, layers=layers, mean=(0.5,), std=(0.2,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: small("advrush", 2),
        lambda: small("lrnas", 3),
        lambda: small("croze", 2),
        lambda: small("racl-imagenet", 2),
        lambda: small("robnet-s", 2),
        lambda: small("resnet-18", None),
        lambda: small("wrn-34-r", 10),
        lambda: RobustResNet(depths=(1, 1, 1), channels=16, image_channels=1, num_classes=3),
    ],
    ids=["cells", "cells-with-none", "cells-with-a-copy", "imagenet-stem", "robnet", "resnet", "wide", "robust"],
)
def test_an_exported_network_says_the_same_for_another_batch(make):
    torch.manual_seed(0)
    network = make().eval()
    batch = torch.export.Dim("batch")
    exported = torch.export.export(network, (torch.rand(2, *SHAPE),), dynamic_shapes=({0: batch},)).module()
    for size in (1, 5):
        images = torch.rand(size, *SHAPE)
        assert torch.allclose(exported(images), network(images), atol=1e-6)

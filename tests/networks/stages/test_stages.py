from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional

from wsrnas.networks.cost import count_cost
from wsrnas.networks.resnet import ResNet
from wsrnas.networks.stages.blocks import KINDS, Block
from wsrnas.networks.stages.parts import chain_cost
from wsrnas.networks.stages.stages import STEMS, Head, StageNetwork, Stem
from wsrnas.networks.stages.style import ORDERS, Style
from wsrnas.networks.wide_resnet import WideResNet


def parts(order="pre", *, stem="plain", large=False, channels=16, widths=(16, 32, 64), depth=1, image_channels=3):
    style = Style(activation="relu", normalisation="batch", order=order)
    blocks, before = [], channels
    for place, width in enumerate(widths):
        for index in range(depth):
            stride = 2 if place and not index else 1
            sizes = {"channels_in": before, "channels": width, "kernel": 3, "stride": stride, "squeeze": False}
            blocks.append(Block(kind="basic", style=style, **sizes))
            before = width
    made = Stem(kind=stem, channels_in=image_channels, channels=channels, large=large, style=style)
    return made, blocks, Head(channels=before, num_classes=10, style=style)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("stem", "large", "reduction"),
    [
        ("plain", False, 1),
        ("convolutional", False, 1),
        ("patchify", False, 2),
        ("plain", True, 4),
        ("convolutional", True, 4),
        ("patchify", True, 4),
    ],
)
def test_stems_leave_the_ceiling_of_their_share_and_their_tally_is_exact(order, stem, large, reduction):
    part = parts(order, stem=stem, large=large)[0]
    made = part.build().eval()
    for height, width in ((32, 32), (13, 9), (2, 1), (1, 1)):
        assert made(torch.rand(2, 3, height, width)).shape == (2, 16, -(-height // reduction), -(-width // reduction))
    assert count_cost(made, (3, 13, 9)) == chain_cost([part], 13, 9)
    assert part.tally().stride == reduction


def test_patches_are_mapped_each_by_itself():
    stem = parts(stem="patchify")[0].build()
    images = torch.rand(1, 3, 5, 4)
    padded = functional.pad(images, (0, 0, 0, 1))
    weight = stem[0].convolve.weight
    output = stem(images)
    for row, column in product(range(3), range(2)):
        patch = padded[0, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert torch.allclose(output[0, :, row, column], (weight * patch).sum(dim=(1, 2, 3)), atol=1e-6)


def copied(source, target):
    """The same weights in the same order, which is that of the forward pass in both."""
    tensors = list(source.state_dict().values())
    target.load_state_dict(dict(zip(target.state_dict(), tensors, strict=True)))
    return target.eval()


def sorted_like(network, order):
    """A stage network's tensors in the order in which the reference lists them."""
    reference = nn.Module()
    for index, module in enumerate(order(network)):
        reference.add_module(f"part{index}", module)
    return reference


def test_in_order_pre_it_is_the_wide_residual_network():
    stage = StageNetwork(*parts("pre", depth=2), mean=(0.4,) * 3, std=(0.2,) * 3).eval()
    wide = WideResNet(depth=16, channels=16, mean=(0.4,) * 3, std=(0.2,) * 3)

    def order(network):
        blocks = [[b.activate, b.main, *([] if b.shortcut is None else [b.shortcut])] for b in network.blocks]
        head = [network.head.last, network.head.linear]
        return [network.normalize, network.stem, *(module for block in blocks for module in block), *head]

    images = torch.rand(4, 3, 9, 8)
    assert torch.allclose(stage(images), copied(sorted_like(stage, order), wide)(images), atol=1e-5)


def test_in_order_post_it_is_the_residual_network():
    stage = StageNetwork(*parts("post", widths=(16, 32, 64, 128), depth=2)).eval()
    reference = ResNet(blocks=(2, 2, 2, 2), bottleneck=False, channels=16)
    images = torch.rand(4, 3, 9, 8)
    assert torch.allclose(stage(images), copied(stage, reference)(images), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_convolutions_start_at_the_scale_that_keeps_variances(kind):
    """√(2/n) with n the weights that read one input: k² times the outputs of its group (He et al., ICCV 2015)."""
    stem, blocks, head = parts(widths=(64, 64, 64))
    network = StageNetwork(stem, [replace(block, kind=kind) for block in blocks], head)
    seen = 0
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 2000:
            read_by = module.weight[0, 0].numel() * module.out_channels // module.groups
            assert float(module.weight.detach().std()) == pytest.approx((2 / read_by) ** 0.5, rel=0.1)
            seen += 1
    assert seen >= 3


@pytest.mark.parametrize("stem", STEMS)
def test_nothing_depends_on_a_value_of_an_image(stem):
    """On the meta device there are no values, so any decision taken on one would fail."""
    with torch.device("meta"):
        network = StageNetwork(*parts(stem=stem, image_channels=1))
        assert network(torch.empty(2, 1, 7, 5)).shape == (2, 10)

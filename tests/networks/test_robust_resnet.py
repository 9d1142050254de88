"""RobustResBlock and RobustResNet against loops and sums written from the paper's text."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.networks.robust_resnet import RobustResBlock, RobustResNet, SqueezeExcitation
from wsrnas.networks.wide_resnet import WideResNet, stage_widths


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def block_weights(channels_in, width, *, changed):
    """1x1 to eight branches, seven grouped 3x3, 1x1 to 4 · width, a gate; two weights a channel of a BatchNorm."""
    branch, out = width // 16 * 4, 4 * width
    total = 2 * channels_in + channels_in * 8 * branch + 2 * 8 * branch
    total += 7 * (branch * branch // 4 * 9 + 2 * branch)
    total += 8 * branch * out + 2 * out + 2 * out * (out // 64)
    return total + (channels_in * out if changed else 0)


@pytest.mark.parametrize(
    ("depths", "widening", "millions"),
    [((14, 14, 7), (5, 7, 3), 19.2), ((17, 17, 8), (7, 9, 4), 39.0), ((22, 22, 11), (8, 11, 5), 75.9)],
)
def test_parameters_follow_from_the_text_and_round_to_the_published_number(depths, widening, millions):
    widths = [16 * widening[0], 32 * widening[1], 64 * widening[2]]
    with torch.device("meta"):
        network = RobustResNet(depths=depths, channels=widths[0], widening=widening)
    expected, before = 3 * 9 * 16, 16
    for depth, width in zip(depths, widths):
        for i in range(depth):
            expected += block_weights(before, width, changed=i == 0)
            before = 4 * width
    expected += 2 * before + 10 * before + 10
    assert count(network) == expected
    assert round(expected / 1e6, 1) == millions


def test_the_block_alone_in_a_wide_resnet_has_the_published_size():
    """Table 1 of the paper: D = 4, W = 10 has 39.6 M."""
    with torch.device("meta"):
        assert round(count(RobustResNet(depths=(4, 4, 4), channels=160, widening=(10, 10, 10))) / 1e6, 1) == 39.6


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels_in", [16, 64])
def test_a_block_is_the_sum_of_shortcut_branches_and_gate(stride, channels_in):
    block = RobustResBlock(channels_in, 16, stride).eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
    features = torch.randn(2, channels_in, 7, 7)
    norm, reduce_conv, reduce_norm = block.activate[0], block.reduce[0], block.reduce[1]
    activated = functional.relu(norm(features))
    split = functional.relu(reduce_norm(reduce_conv(activated)))
    parts = [split[:, 4 * s : 4 * s + 4] for s in range(8)]
    outputs = []
    for s in range(7):
        read = parts[s] if s == 0 or stride == 2 else parts[s] + outputs[s - 1]
        convolution, branch_norm = block.branches[s][0], block.branches[s][1]
        outputs.append(functional.relu(branch_norm(convolution(read))))
    outputs.append(parts[7] if stride == 1 else functional.avg_pool2d(parts[7], 3, 2, 1))
    mixed = block.expand(torch.cat(outputs, dim=1))
    gated = block.gate[0](mixed)
    first, second = block.gate[1].gate[0], block.gate[1].gate[2]
    weights = torch.sigmoid(functional.relu(gated.mean(dim=(2, 3)) @ first.weight.T) @ second.weight.T)
    shortcut = features if channels_in == 64 and stride == 1 else block.shortcut(activated)
    expected = mixed + shortcut + gated * weights[:, :, None, None]
    assert torch.allclose(block(features), expected, atol=1e-5)
    assert block(features).shape == (2, 64, 4 if stride == 2 else 7, 4 if stride == 2 else 7)


def test_the_gate_weighs_channels_between_0_and_1():
    features = torch.rand(3, 8, 5, 5) + 0.1
    ratio = SqueezeExcitation(8)(features) / features
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio), atol=1e-6)
    assert ((ratio > 0) & (ratio < 1)).all()


def test_widths_are_in_the_proportion_of_the_widening_factors():
    assert stage_widths(160, (10, 10, 10)) == [160, 320, 640]
    assert stage_widths(320, (20, 20, 8)) == [320, 640, 512]
    assert stage_widths(80, (5, 7, 3)) == [80, 224, 192]
    assert stage_widths(8, (20, 20, 8)) == [8, 16, 13]
    assert min(stage_widths(1, (20, 20, 1))) == 1
    with torch.device("meta"):
        assert round(count(WideResNet(depth=34, channels=320, widening=(20, 20, 8))) / 1e6, 1) == 68.1
        assert round(count(WideResNet(depth=28)) / 1e6, 1) == 36.5


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 9, 7)])
def test_logits_for_small_and_odd_images_in_train_and_eval(shape):
    network = RobustResNet(depths=(2, 1, 1), channels=4, image_channels=shape[0])
    for mode in (True, False):
        assert network.train(mode)(torch.rand(2, *shape)).shape == (2, 10)


def test_stages_without_blocks_are_refused():
    with pytest.raises(InputError, match=r"^depths: expected 3 stages of at least one block, got \(1, 0, 1\)$"):
        RobustResNet(depths=(1, 0, 1))
    with pytest.raises(InputError, match=r"^depths: expected 3 stages"):
        RobustResNet(depths=(1, 1))

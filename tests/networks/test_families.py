import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.networks.resnet import ResNet, basic_block, bottleneck_block
from wsrnas.networks.wide_resnet import PreActivationBlock, WideResNet


@pytest.mark.parametrize("make", [basic_block, bottleneck_block])
def test_residual_blocks_add_the_shortcut_and_reduce(make):
    block = make(8, 8, 2).eval()
    features = torch.rand(2, 8, 7, 7)
    assert torch.equal(block(features), torch.relu(block.main(features) + block.shortcut(features)))
    assert block(features).shape[2:] == (4, 4)


def test_pre_activation_block_activates_before_the_changed_shortcut_only():
    features = torch.randn(2, 4, 6, 6)
    same, wider = PreActivationBlock(4, 4, 1), PreActivationBlock(4, 8, 2)
    assert same.shortcut is None
    assert torch.allclose(same(features), same.main(same.activate(features)) + features)
    activated = wider.activate(features)
    assert torch.allclose(wider(features), wider.main(activated) + wider.shortcut(activated), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 9, 7)])
@pytest.mark.parametrize(
    "make",
    [
        lambda c: ResNet(blocks=(1, 1, 1, 1), bottleneck=False, channels=4, image_channels=c),
        lambda c: ResNet(blocks=(1, 1, 1, 1), bottleneck=True, channels=4, image_channels=c, stem="imagenet"),
        lambda c: WideResNet(depth=10, channels=8, image_channels=c),
    ],
)
def test_families_give_logits_for_small_and_odd_images(make, shape):
    network = make(shape[0])
    for mode in (True, False):
        assert network.train(mode)(torch.rand(2, *shape)).shape == (2, 10)


def test_a_depth_no_wide_resnet_has_is_refused():
    with pytest.raises(InputError, match=r"^layers: expected a depth of 6n\+4: 10, 16, 22, 28, 34, …, got 12$"):
        WideResNet(depth=12)
    with pytest.raises(InputError, match=r"^stem: expected 'cifar' or 'imagenet', got 'none'$"):
        ResNet(blocks=(1,), bottleneck=False, stem="none")

import pytest
import torch
from torch.nn import functional

from wsrnas.errors import InputError
from wsrnas.networks.cells.operations import DERIVED, OPERATIONS, SHARED, BatchNorm, FactorizedReduce, make_operation


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (2, 3), (1, 1)])
def test_every_operation_yields_the_ceiling_of_the_size(name, stride, size):
    for kind in (DERIVED, SHARED):
        features = torch.rand(3, 6, *size)
        output = make_operation(name, 6, stride, kind)(features)
        assert output.shape == (3, 6, -(-size[0] // stride), -(-size[1] // stride))
        assert output.isfinite().all()


@pytest.mark.parametrize("name", OPERATIONS)
def test_shared_operations_have_no_affine_weights_and_no_running_averages(name):
    operation = make_operation(name, 4, 2, SHARED)
    assert not list(operation.buffers())
    features = torch.rand(4, 4, 6, 6)
    assert torch.equal(operation.train()(features), operation.eval()(features))
    assert sum(p.dim() == 1 for p in operation.parameters()) == 0


def test_pooling_is_followed_by_batch_norm_in_super_networks_only():
    features = torch.rand(4, 4, 6, 6) + 3
    bare = make_operation("max_pool_3x3", 4, 1, DERIVED)(features)
    assert torch.equal(bare, functional.max_pool2d(features, 3, 1, 1))
    assert make_operation("max_pool_3x3", 4, 1, SHARED)(features).mean().abs() < 1e-4


def test_factorized_reduce_reads_even_and_odd_positions():
    """Facts: two 1x1 convolutions of stride 2, the second on the image without its first row and column."""
    layer = FactorizedReduce(1, 2, BatchNorm()).eval()
    with torch.no_grad():
        layer.even.weight.fill_(1.0)
        layer.odd.weight.fill_(1.0)
    features = torch.arange(1.0, 17).view(1, 1, 4, 4)
    even, odd = layer(features)[0] * (1 + 1e-5) ** 0.5
    assert torch.allclose(even, torch.tensor([[1.0, 3], [9, 11]]))
    assert torch.allclose(odd, torch.tensor([[6.0, 8], [14, 16]]))
    assert torch.allclose(layer(features[..., :3, :3])[0, 1] * (1 + 1e-5) ** 0.5, torch.tensor([[6.0, 0], [0, 0]]))


def test_separable_convolution_is_two_depthwise_pointwise_pairs():
    operation = make_operation("sep_conv_5x5", 6, 2, DERIVED)
    shapes = [tuple(p.shape) for p in operation.parameters() if p.dim() == 4]
    assert shapes == [(6, 1, 5, 5), (6, 6, 1, 1)] * 2


def test_an_unknown_operation_is_refused_with_the_nearest_name():
    message = "^operation: expected a known operation, got 'sep_conv3x3'; did you mean 'sep_conv_3x3'\\?$"
    with pytest.raises(InputError, match=message):
        make_operation("sep_conv3x3", 4, 1, DERIVED)

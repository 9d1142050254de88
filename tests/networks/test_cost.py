import pytest
import torch
from torch import nn

from wsrnas.errors import InputError
from wsrnas.networks.cost import Cost, count_cost, count_multiply_adds, count_parameters, measure_latency
from wsrnas.networks.resnet import ResNet
from wsrnas.networks.wide_resnet import WideResNet

CONVOLUTION = nn.Conv2d(3, 8, 3, stride=2, padding=1, groups=1)


def test_a_convolution_costs_its_weights_at_every_place_of_its_output():
    assert count_multiply_adds(CONVOLUTION, (3, 9, 7)) == (3 * 8 * 9) * (5 * 4)
    assert count_multiply_adds(nn.Conv2d(8, 8, 3, padding=1, groups=8), (8, 6, 6)) == (8 * 9) * 36
    assert count_parameters(CONVOLUTION) == 3 * 8 * 9 + 8


def test_matrix_products_count_wherever_they_are_written():
    class Attention(nn.Module):
        def forward(self, images):
            tokens = images.flatten(2)
            return torch.softmax(tokens @ tokens.transpose(1, 2), dim=2) @ tokens

    assert count_multiply_adds(Attention(), (4, 3, 2)) == 2 * 4 * 4 * 6
    assert count_multiply_adds(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2)) == 60


def test_weights_used_twice_count_once_but_their_work_twice():
    layer = nn.Conv2d(2, 2, 1, bias=False)
    cost = count_cost(nn.Sequential(layer, nn.ReLU(), layer), (2, 4, 4))
    assert cost == Cost(parameters=4, multiply_adds=2 * 4 * 16)


@pytest.mark.parametrize(
    ("network", "millions", "giga"),
    [
        (lambda: WideResNet(depth=34, channels=160), 46.16, 6.65),
        (lambda: ResNet(blocks=(2, 2, 2, 2), bottleneck=False), 11.17, 0.56),
    ],
)
def test_published_networks_have_their_published_cost_without_any_memory(network, millions, giga):
    """WRN-34-10: 46.2 M weights, 6.65 G multiply-adds; ResNet-18 on CIFAR: 11.2 M, 0.56 G."""
    with torch.device("meta"):
        cost = count_cost(network(), (3, 32, 32))
    assert cost.parameters / 1e6 == pytest.approx(millions, abs=0.01)
    assert cost.multiply_adds / 1e9 == pytest.approx(giga, abs=0.01)


def test_counting_and_timing_leave_modes_statistics_and_gradients_alone():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.BatchNorm2d(4), nn.Dropout(0.5)))
    network[1].eval()
    modes = [module.training for module in network.modules()]
    state = {key: value.clone() for key, value in network.state_dict().items()}
    count_cost(network, (1, 8, 8))
    measure_latency(network, (1, 8, 8), seconds=0.0)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_batch_statistics_of_a_single_pixel_and_double_precision_are_no_obstacle():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)).double()
    assert count_multiply_adds(network, (1, 3, 3)) == 36


def test_latency_is_a_median_below_the_95th_percentile_and_grows_with_the_batch():
    network = nn.Conv2d(8, 64, 5, padding=2)
    one, many = (measure_latency(network, (8, 32, 32), batch_size=n, seconds=0.05) for n in (1, 32))
    for measured, count in ((one, 1), (many, 32)):
        assert 0 < measured.median <= measured.percentile_95
        assert measured.runs >= 20
        assert (measured.batch_size, measured.device) == (count, "cpu")
        assert measured.threads == torch.get_num_threads()
    assert many.median > 2 * one.median


def test_impossible_sizes_and_networks_without_values_are_refused():
    with pytest.raises(
        InputError, match=r"^image_shape: expected channels, height and width of at least 1, got \(3, 0,"
    ):
        count_cost(CONVOLUTION, (3, 0, 8))
    with pytest.raises(InputError, match=r"^batch_size: expected at least 1, got 0$"):
        measure_latency(CONVOLUTION, (3, 8, 8), batch_size=0)
    with pytest.raises(InputError, match=r"^network: expected weights to compute with, got one on the meta device; "):
        measure_latency(nn.Conv2d(3, 8, 3, device="meta"), (3, 8, 8))

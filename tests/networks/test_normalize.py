import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.networks.normalize import Normalize


def test_one_value_stands_for_all_channels_and_each_channel_has_its_own():
    images = torch.rand(2, 3, 4, 4)
    assert torch.equal(Normalize()(images), images)
    wide = Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))(images)
    assert torch.allclose(wide[:, 2], (images[:, 2] - 0.3) / 4)
    assert torch.allclose(Normalize((0.5,), (0.25,))(images), (images - 0.5) / 0.25)


def test_it_has_buffers_and_no_parameters_and_computes_in_float32():
    layer = Normalize((0.5,), (0.5,))
    assert not list(layer.parameters())
    assert {name for name, _ in layer.named_buffers()} == {"mean", "std"}
    assert layer(torch.rand(1, 1, 2, 2).bfloat16()).dtype == torch.float32


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0.5,), (0.5, 0.5), r"^std: expected as many values as mean has \(1\), got 2 values$"),
        ((0.5,), (0.0,), r"^std: expected values > 0, got \(0.0,\)$"),
    ],
)
def test_bad_statistics_are_refused(mean, std, message):
    with pytest.raises(InputError, match=message):
        Normalize(mean, std)


def test_images_of_other_channels_are_refused():
    with pytest.raises(InputError, match=r"^images: expected 3 channels, as many as mean has, got 1(\n|$)"):
        Normalize((0.5,) * 3, (0.5,) * 3)(torch.rand(1, 1, 2, 2))

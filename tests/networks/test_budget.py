"""What a network costs as one value: counted by hand on networks small enough, and read back as written."""

import json

import pytest
import torch
from torch import nn

from wsrnas.errors import InputError
from wsrnas.models.budget import FILE, read_budget, write_budget
from wsrnas.networks.budget import count_budget, count_peak_memory, measure_budget

PAIR = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1, bias=False)
)  # weights: 108; an image of 8x8: 64 pixels; after each layer 256, 256 and 128 numbers


def test_the_peak_is_weights_image_and_what_is_alive_at_once():
    assert count_peak_memory(PAIR, (1, 8, 8)) == 4 * (108 + 64 + 256 + 256)
    assert count_peak_memory(PAIR, (1, 8, 8), batch_size=5) == 4 * (108 + 5 * (64 + 256 + 256))
    assert count_peak_memory(PAIR.double(), (1, 8, 8)) == 8 * (108 + 64 + 256 + 256)
    PAIR.float()


def test_what_is_done_in_place_needs_no_memory_and_what_is_kept_stays_counted():
    in_place = nn.Sequential(PAIR[0], nn.ReLU(inplace=True), PAIR[2])
    assert count_peak_memory(in_place, (1, 8, 8)) == 4 * (108 + 64 + 256 + 128)

    class Kept(nn.Module):
        def forward(self, images):
            first, second, third = images + 1, images + 2, images + 3
            return first + second + third

    assert count_peak_memory(Kept(), (1, 2, 2)) == 4 * 4 * (
        1 + 3 + 1 + 1
    )  # both sums are alive when the second is made


def test_it_is_counted_without_memory_as_it_is_with_it():
    with torch.device("meta"):
        unreal = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
    real = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
    assert count_budget(unreal, (1, 8, 8)) == count_budget(real, (1, 8, 8))
    with pytest.raises(InputError, match="network: expected weights to compute with"):
        measure_budget(unreal, (1, 8, 8))
    with pytest.raises(InputError, match="batch_size: expected at least 1, got 0"):
        count_budget(unreal, (1, 8, 8), batch_size=0)


def test_counting_and_timing_draw_nothing_from_the_global_generator():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    measure_budget(PAIR, (1, 8, 8), seconds=0.0)
    assert torch.equal(torch.rand(1), expected)


def test_a_budget_in_words_names_device_batch_and_passes():
    words = dict(measure_budget(PAIR, (1, 8, 8), batch_size=3, seconds=0.0).rows())
    assert words["parameters"] == "108"
    assert words["multiply-adds"] == "6,912 for an image of 1x8x8"
    assert words["peak memory"].endswith("at batch 3, counted")
    assert "(cpu, " in words["latency"]
    assert words["latency"].endswith("batch 3, 20 passes)")


def test_a_run_keeps_its_budget_and_a_damaged_one_is_named(tmp_path):
    assert read_budget(tmp_path) is None
    write_budget(tmp_path, PAIR, (1, 8, 8))
    found = read_budget(tmp_path)
    assert found.parameters == 108
    assert found.latency.runs >= 20
    values = json.loads((tmp_path / FILE).read_text())
    for change, message in (
        ({"parameters": "many"}, "budget.json: parameters: expected"),
        ({"image_shape": [1, 8]}, "budget.json: image_shape: expected"),
        ({"latency": {"median": 1.0}}, "budget.json: latency: expected the fields"),
        ({"extra": 1}, "budget.json: expected the fields"),
    ):
        (tmp_path / FILE).write_text(json.dumps({**values, **change}))
        with pytest.raises(InputError, match=message):
            read_budget(tmp_path)

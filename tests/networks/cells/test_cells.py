import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsrnas.errors import InputError
from wsrnas.networks.cells.cells import derived_plans, live_edges, reduction_positions, stacked_cells
from wsrnas.networks.cells.robnet import RobNetCell, read_cell, robnet

PLAIN = RobNetCell((("skip_connect", 0, 2), ("sep_conv_3x3", 1, 2), ("max_pool_3x3", 2, 3)), (2, 3))


def build(plan=PLAIN, layers=3, shape=(1, 8, 8), **settings):
    return stacked_cells([plan] * layers, channels=4, num_classes=3, image_channels=shape[0], **settings)


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 9, 7)])
def test_networks_of_any_depth_and_size_give_logits_in_train_and_eval(layers, shape):
    network = build(layers=layers, shape=shape)
    for mode in (True, False):
        assert network.train(mode)(torch.rand(2, *shape)).shape == (2, 3)


def test_reductions_stand_a_third_and_two_thirds_of_the_way():
    assert reduction_positions(20) == {6, 13}
    assert reduction_positions(8) == {2, 5}
    assert [plan.concat for plan in derived_plans(PLAIN, RobNetCell((), (9,)), 4)] == [(2, 3), (9,), (9,), (2, 3)]


def test_imagenet_stem_reduces_eight_times_before_the_first_cell():
    network = build(shape=(3, 64, 64), stem="imagenet")
    before_last, last = network.stem(torch.rand(2, 3, 64, 64))
    assert (before_last.shape, last.shape) == ((2, 4, 16, 16), (2, 4, 8, 8))
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 3)


def test_an_unknown_stem_is_refused():
    with pytest.raises(
        InputError, match=r"^stem: expected 'cifar' or 'imagenet', got 'imagnet'; did you mean 'imagenet'"
    ):
        build(stem="imagnet")


def test_a_joined_node_without_input_yields_zeros_and_the_edges_from_it_are_not_built():
    plan = RobNetCell((("none", 0, 2), ("sep_conv_3x3", 2, 3), ("skip_connect", 1, 3)), (2, 3))
    network = build(plan, layers=1)
    cell = network.cells[0]
    assert [type(operation).__name__ for operation in cell.operations] == ["FactorizedReduce"]
    output = cell(None, torch.rand(2, 12, 8, 8))
    assert output.shape == (2, 16, 4, 4)
    assert not output[:, :8].any()
    assert output[:, 8:].any()


def test_cells_nobody_reads_do_not_run():
    """Every cell reads only the last but one: of five cells the second and the fourth are idle."""
    network = build(RobNetCell((("skip_connect", 0, 2),), (2,)), layers=5)
    assert network.schedule == (True, False, True, False, True)
    assert network(torch.rand(2, 1, 8, 8)).shape == (2, 3)


def test_a_cell_without_any_operation_still_gives_logits():
    network = build(RobNetCell((("none", 0, 2),), (2,)))
    assert torch.equal(network(torch.rand(2, 1, 8, 8)), network.classifier.bias.expand(2, 3))


EDGES = st.lists(
    st.tuples(st.sampled_from(["none", "skip_connect"]), st.integers(0, 4), st.integers(2, 5)).filter(
        lambda edge: edge[1] < edge[2]
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(EDGES)
def test_live_edges_are_exactly_those_on_a_path_from_input_to_output(edges):
    """Against paths counted one by one."""

    def paths(node):
        if node in (0, 1):
            return [[]]
        arriving = [i for i, edge in enumerate(edges) if edge[2] == node and edge[0] != "none"]
        return [[*path, i] for i in arriving for path in paths(edges[i][1])]

    expected = {i for path in paths(5) for i in path}
    live = live_edges(edges, (5,))
    assert set(live) == expected
    assert [edges[i][2] for i in live] == sorted(edges[i][2] for i in live)


def test_robnet_codes_are_separable_convolution_skip_or_both():
    cell = read_cell(["01", "10", "11", *["00"] * 11])
    assert cell.edges == (
        ("sep_conv_3x3", 0, 2),
        ("skip_connect", 1, 2),
        ("sep_conv_3x3", 0, 3),
        ("skip_connect", 0, 3),
    )


def test_bad_robnet_codes_are_refused():
    with pytest.raises(InputError, match=r"^code: expected 14 codes, each 00, 01, 10 or 11"):
        read_cell(["12"] * 14)
    with pytest.raises(InputError, match=r"^layers: expected 2, one cell per code, got 20$"):
        robnet([["11"] * 14] * 2)

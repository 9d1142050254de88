"""Weights counted operation by operation against the networks that are built."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsrnas.networks.cells.cell_size import stacked_parameters, staged_parameters
from wsrnas.networks.cells.cells import live_edges, stacked_cells
from wsrnas.networks.cells.nasbench201 import CELL_OPERATIONS, OUTPUT, DagCell, staged_network
from wsrnas.networks.cells.operations import DERIVED, OPERATIONS, make_operation
from wsrnas.networks.cells.robnet import RobNetCell
from wsrnas.networks.cost import count_parameters

EDGES = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 4), st.integers(2, 4)).filter(
        lambda edge: edge[1] < edge[2]
    ),
    max_size=6,
)
CELLS = st.tuples(EDGES, st.sets(st.integers(0, 4), min_size=1))


@settings(deadline=None, max_examples=25)
@given(CELLS, CELLS, st.integers(1, 5), st.sampled_from(["cifar", "imagenet"]))
def test_stacked_cells_with_dead_edges_empty_nodes_and_idle_cells(first, second, layers, stem):
    plans = [RobNetCell(tuple(edges), tuple(sorted(concat))) for edges, concat in (first, second)]
    plans = [plans[i % 2] for i in range(layers)]
    sizes = {"channels": 4, "num_classes": 3, "image_channels": 1, "stem": stem}
    with torch.device("meta"):
        built = stacked_cells(plans, **sizes)
    assert stacked_parameters(plans, **sizes) == count_parameters(built)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_staged_cells_of_live_edges(layers):
    edges = [(name, source, OUTPUT) for source, name in enumerate(CELL_OPERATIONS[1:4])]
    edges += [("nor_conv_3x3", 0, 1), ("none", 0, 2), ("avg_pool_3x3", 1, 2)]
    live = [edges[i] for i in live_edges(edges, (OUTPUT,), inputs=(0,))]
    sizes = {"channels": 3, "layers": layers, "num_classes": 5, "image_channels": 2}

    def cell(channels):
        return DagCell([(make_operation(name, channels, 1, DERIVED), *pair) for name, *pair in live])

    with torch.device("meta"):
        built = staged_network(cell, mean=(0.0,), std=(1.0,), batch_norm=DERIVED, **sizes)
    assert staged_parameters((name for name, *_ in live), **sizes) == count_parameters(built)

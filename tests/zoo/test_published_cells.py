"""Cells as they were published: counted by arithmetic from the definition of each operation, and read from text."""

import json

import pytest
import torch
from tests.conftest import data_root

from wsrnas import zoo
from wsrnas.networks.cells.cells import live_edges, reduction_positions
from wsrnas.spaces.parse import parse_darts

CELLS = [name for name in zoo.list_models() if zoo.card(name).family == "cells" and zoo.card(name).architecture]


def operation(name, width, stride):
    """Weights of convolutions without bias, and 2 · width for each affine BatchNorm."""
    if name.startswith("sep_conv"):
        kernel = int(name[-1])
        return 2 * (kernel**2 * width + width**2 + 2 * width)
    if name.startswith("dil_conv"):
        return int(name[-1]) ** 2 * width + width**2 + 2 * width
    if name == "conv_7x1_1x7":
        return 2 * 7 * width**2 + 2 * width
    return width**2 + 2 * width if name == "skip_connect" and stride == 2 else 0


def counted(genotype, channels, layers, classes, stem):
    if stem == "cifar":
        before_last = last = 3 * channels
        total = 27 * last + 2 * last
    else:
        before_last = last = channels
        half = channels // 2
        total = 27 * half + 2 * half + 9 * half * channels + 9 * channels**2 + 4 * channels
    width = channels
    for position in range(layers):
        reduction = position in reduction_positions(layers)
        width *= 2 if reduction else 1
        cell = genotype["reduce" if reduction else "normal"]
        edges = [cell.edges[i] for i in live_edges(cell.edges, cell.concat)]
        read = {source for _, source, _ in edges} | set(cell.concat)
        total += sum(channels_in * width + 2 * width for i, channels_in in enumerate((before_last, last)) if i in read)
        total += sum(operation(name, width, 2 if reduction and source < 2 else 1) for name, source, _ in edges)
        before_last, last = last, width * len(cell.concat)
    return total + last * classes + classes


@pytest.mark.parametrize("name", CELLS)
def test_counts_follow_from_the_definition_of_the_operations(name):
    card = zoo.card(name)
    sizes = (card.channels, card.layers, card.num_classes, card.stem)
    assert counted(zoo.genotype(name), *sizes) == card.parameters


@pytest.fixture(scope="module")
def published():
    path = data_root().parent / "facts" / "published_genotypes_2020_2025.json"
    if not path.is_file():
        pytest.skip(f"no published genotypes at {path}; set WSRNAS_DATA to the folder beside it")
    return json.loads(path.read_text())


def text(cells):
    fields = ", ".join(f"{key}={[tuple(e) if isinstance(e, list) else e for e in cells[key]]}" for key in cells)
    return f"Genotype({fields})"


def test_the_cells_are_those_that_were_published(published):
    assert len(published) >= 9
    for key, cells in published.items():
        name = "darts-v2" if key == "DARTS" else zoo.find(key)
        if name != "croze":
            assert parse_darts(text(cells)) == zoo.genotype(name), key


def test_croze_computes_what_its_fourteen_operations_read_in_pairs_compute(published):
    """Nodes 2 to 8 of which only some are joined, one of them twice; both sides run with the same weights."""
    cells, ours = published["CROZE"], zoo.genotype("croze")
    for name in ("normal", "reduce"):
        edges = [(operation, source, 2 + i // 2) for i, (operation, source) in enumerate(cells[name])]
        theirs, kept = cells[f"{name}_concat"], ours[name]
        live = {edges[i] for i in live_edges(edges, theirs)}
        copies = [(operation, source) for operation, source, target in kept.edges if target == 6]
        assert set(kept.edges) - live == {("skip_connect", copies[0][1], 6)}
        assert live <= set(kept.edges)
        assert [copies[0][1] if node == 6 else node for node in kept.concat] == theirs


def test_what_reads_an_empty_node_is_not_built():
    """Node 2 of LRNAS's reduction cell has `none` on both its edges, and node 3 a separable convolution of it."""
    cell = zoo.genotype("lrnas")["reduce"]
    live = [cell.edges[i] for i in live_edges(cell.edges, cell.concat)]
    assert {edge for edge in cell.edges if edge not in live} == {
        ("none", 0, 2),
        ("none", 1, 2),
        ("sep_conv_5x5", 2, 3),
        ("avg_pool_3x3", 2, 4),
    }
    network = zoo.create("lrnas", channels=2, layers=3, num_classes=2, image_shape=(1, 8, 8)).eval()
    assert network(torch.rand(1, 1, 8, 8)).shape == (1, 2)

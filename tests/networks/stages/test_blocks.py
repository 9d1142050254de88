"""Blocks against the same blocks written from the text, in both orders."""

from itertools import product

import pytest
import torch
from torch.nn import functional

from wsrnas.networks.cost import count_cost
from wsrnas.networks.stages.blocks import KINDS, Block, SqueezeExcitation
from wsrnas.networks.stages.dense import DensePlan
from wsrnas.networks.stages.parts import chain_cost
from wsrnas.networks.stages.style import ACTIVATIONS, NORMALISATIONS, ORDERS, Style


def block(kind, *, order="post", activation="relu", normalisation="batch", **sizes):
    style = Style(activation=activation, normalisation=normalisation, order=order)
    return Block(
        kind=kind,
        style=style,
        **{"channels_in": 6, "channels": 8, "kernel": 3, "stride": 1, "squeeze": False, **sizes},
    )


@pytest.mark.parametrize(("kind", "order", "normalisation"), list(product(KINDS, ORDERS, NORMALISATIONS)))
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 3), (1, 1)])
def test_sizes_are_ceilings_and_never_less_than_one_pixel(kind, order, normalisation, size):
    for stride, kernel in product((1, 2), (3, 5)):
        made = block(kind, order=order, normalisation=normalisation, stride=stride, kernel=kernel).build().eval()
        output = made(torch.rand(2, 6, *size))
        assert output.shape == (2, 8, -(-size[0] // stride), -(-size[1] // stride))
        assert output.isfinite().all()


@pytest.mark.parametrize(("kind", "order"), list(product(KINDS, ORDERS)))
def test_the_tally_is_what_is_built(kind, order):
    """Also where channels do not divide by the nodes, the groups or the squeeze."""
    for squeeze, stride, (before, after) in product((False, True), (1, 2), ((1, 1), (3, 3), (5, 7), (16, 16), (9, 2))):
        part = block(kind, order=order, squeeze=squeeze, stride=stride, channels_in=before, channels=after, kernel=5)
        with torch.device("meta"):
            assert count_cost(part.build(), (before, 7, 6)) == chain_cost([part], 7, 6)


def slow_main(made, kind, order, features):
    """The layers beside the shortcut, one after the other: no activation at the end."""
    layers = list(made.main)
    for layer in layers[: 3 * (2 if kind == "basic" else 3) - (1 if order == "post" else 2)]:
        features = layer(features)
    return features


@pytest.mark.parametrize("kind", ["basic", "bottleneck", "inverted"])
def test_post_activation_adds_first_and_pre_activation_adds_last(kind):
    features = torch.randn(4, 6, 6, 6)
    post, pre = (block(kind, order=order, channels=6).build().eval() for order in ORDERS)
    assert post.shortcut is pre.shortcut is None
    assert torch.equal(post(features), torch.relu(slow_main(post, kind, "post", features) + features))
    activated = torch.relu(pre.activate[0](features))
    assert torch.equal(pre(features), slow_main(pre, kind, "pre", activated) + features)
    wider = block(kind, order="pre", stride=2).build().eval()
    activated = wider.activate(features)
    expected = slow_main(wider, kind, "pre", activated) + functional.conv2d(
        activated[:, :, ::2, ::2], wider.shortcut.weight
    )
    assert torch.allclose(wider(features), expected, atol=1e-5)


def test_kinds_have_the_convolutions_of_their_papers():
    shapes = {kind: [tuple(layer) for layer in block(kind, stride=2).chain] for kind in KINDS if kind != "dense"}
    assert shapes["basic"] == [(6, 8, 3, 2, 1), (8, 8, 3, 1, 1)]
    assert shapes["bottleneck"] == [(6, 4, 1, 1, 1), (4, 4, 3, 2, 1), (4, 8, 1, 1, 1)]
    assert shapes["inverted"] == [(6, 24, 1, 1, 1), (24, 24, 3, 2, 24), (24, 8, 1, 1, 1)]


@pytest.mark.parametrize("order", ORDERS)
def test_every_node_of_a_dense_cell_reads_the_input_and_all_nodes_before(order):
    """Against one convolution of everything read, joined: a sum of convolutions is a convolution of the joined."""
    cell = block("dense", order=order, kernel=5).build().eval().main[0]
    features = torch.randn(2, 6, 5, 5)
    nodes, read = [], []
    for place in range(4):
        weights = [cell.from_input[place].weight] + ([cell.from_nodes[place - 1].weight] if place else [])
        node = functional.conv2d(torch.cat([features, *read], dim=1), torch.cat(weights, dim=1), padding=2)
        norm = cell.norms[place] if place < len(cell.norms) else None
        nodes.append(norm(node) if order == "post" else node)
        if place < 3:
            read.append(torch.relu(norm(node)))
    assert torch.allclose(cell(features), torch.cat(nodes, dim=1), atol=1e-5)


def test_the_nodes_of_a_dense_cell_share_its_channels():
    assert DensePlan(6, 10, 3, 1).widths == [2, 3, 2, 3]
    assert DensePlan(6, 3, 3, 1).widths == [1, 1, 1]
    assert DensePlan(6, 1, 3, 1).from_nodes == []


def test_squeeze_and_excitation_weighs_whole_channels_by_their_means():
    layer = SqueezeExcitation(8, Style(activation="silu", normalisation="batch", order="pre"))
    features = torch.randn(2, 8, 4, 3)
    first, _, second, _ = layer.weigh
    for image, output in zip(features, layer(features)):
        inner = functional.silu(first.weight @ image.mean(dim=(1, 2)) + first.bias)
        weights = torch.sigmoid(second.weight @ inner + second.bias)
        assert torch.allclose(output, image * weights[:, None, None], atol=1e-6)
    assert first.out_features == 2


def test_group_normalisation_takes_a_single_value_and_else_does_what_torch_does():
    style = Style(activation="relu", normalisation="group", order="pre")
    norm, features = style.norm(16), torch.randn(3, 16, 4, 4)
    assert torch.equal(norm(features), functional.group_norm(features, 2, norm.weight, norm.bias))
    assert style.norm(1)(torch.rand(1, 1, 1, 1)).abs() < 1e-3


def test_group_normalisation_keeps_eight_channels_together_where_it_can():
    style = Style(activation="relu", normalisation="group", order="pre")
    groups = {channels: style.norm(channels).num_groups for channels in (1, 6, 8, 12, 16, 17, 24, 36, 64)}
    assert groups == {1: 1, 6: 1, 8: 1, 12: 1, 16: 2, 17: 1, 24: 3, 36: 4, 64: 8}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_block_of_smooth_activations_has_a_continuous_slope_and_relu_has_not(activation):
    """The slope of the activation jumps at 0 for ReLU only."""
    act = Style(activation=activation, normalisation="batch", order="pre").act()
    around = torch.tensor([-1e-6, 1e-6], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(act(around).sum(), around)
    assert (abs(float(slope[1] - slope[0])) < 1e-4) == (activation != "relu")

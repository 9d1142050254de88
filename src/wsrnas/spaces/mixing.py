"""Eq. 2 for all edges that leave one node: what they have in common is computed once, the rest side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.types import Encoding


def mixed_edges(features: Tensor, edges: Sequence[nn.ModuleList], arch_weights: Encoding) -> Tensor:
    """Return Σ_k h_mk · o_mk(features) for the M edges that read `features`, (B,M,C,H,W).

    `edges` holds the K operations of every edge, alike from edge to edge but for their weights, and `arch_weights` the
    rows of H that belong to them. Equal to a loop over edges and operations up to float order: operations without
    parameters are the same function on every edge, and the convolutions of all edges become one with more groups.
    """
    total: Tensor | None = None
    for index, alike in enumerate(zip(*edges)):
        outputs = _outputs(alike, features)
        weights = arch_weights[:, index].view(1, -1, 1, 1, 1)
        total = outputs * weights if total is None else torch.addcmul(total, outputs, weights)
    assert total is not None, "an edge has operations"
    return total


def edges_by_source(wiring: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """Return the places of the edges (source, target) that leave each node, nodes ascending."""
    sources = sorted({source for source, _ in wiring})
    return {node: [row for row, (source, _) in enumerate(wiring) if source == node] for node in sources}


def _outputs(alike: Sequence[nn.Module], features: Tensor) -> Tensor:
    """Return what the same operation yields on every edge: (B,M,C,H,W), or (B,1,C,H,W) where all yield the same."""
    if not any(True for _ in alike[0].parameters()):
        return alike[0](features)[:, None]
    if len(alike) > 1 and all(isinstance(operation, nn.Sequential) for operation in alike):
        layers = list(zip(*(operation.children() for operation in alike)))
        if all(_joinable(same) for same in layers):
            return _side_by_side(layers, features, len(alike))
    return torch.stack([operation(features) for operation in alike], dim=1)


def _joinable(same: Sequence[nn.Module]) -> bool:
    layer = same[0]
    if isinstance(layer, nn.Conv2d):
        return layer.bias is None and layer.padding_mode == "zeros"
    if isinstance(layer, nn.BatchNorm2d):
        return not layer.affine and not layer.track_running_stats
    return isinstance(layer, nn.ReLU)


def _side_by_side(layers: Sequence[Sequence[nn.Module]], features: Tensor, count: int) -> Tensor:
    """Run `count` stacks of the same kinds of layers on the same features, their channels next to one another."""
    joined = False
    for same in layers:
        layer = same[0]
        if isinstance(layer, nn.Conv2d):
            weight = torch.cat([one.weight for one in same if isinstance(one, nn.Conv2d)])
            shared = not joined and layer.groups == 1
            if not joined and not shared:
                features = features.repeat(1, count, 1, 1)
            groups = 1 if shared else count * layer.groups
            features = functional.conv2d(features, weight, None, layer.stride, layer.padding, layer.dilation, groups)
            joined = True
        elif isinstance(layer, nn.BatchNorm2d):
            features = functional.batch_norm(features, None, None, training=True, eps=layer.eps)
        else:
            features = layer(features)
    return features.unflatten(1, (count, -1))

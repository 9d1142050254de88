"""What the operations of a cell have in common, computed once: rectified nodes, sums in place, split and joined maps.

Every function here gives what the plain layers give; gradients may be added in another order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Nodes:
    """The feature maps at the nodes of a cell while it runs.

    Operations that begin with a ReLU read the node's rectified copy, made once; a second operation into a node is added
    in place where the first made that tensor.
    """

    def __init__(self, values: dict[int, Tensor]) -> None:
        self.values = values
        self._rectified: dict[int, Tensor] = {}
        self._own: set[int] = set()

    def run(self, operation: nn.Module, source: int, target: int) -> None:
        """Add the operation's output to the target node."""
        rest = after_relu(operation)
        if rest is None:
            output = operation(self.values[source])
        else:
            if source not in self._rectified:
                self._rectified[source] = functional.relu(self.values[source])
            output = rest(self._rectified[source])
        if target not in self.values:
            self.values[target] = output
            if not isinstance(operation, nn.Identity):
                self._own.add(target)
        elif target in self._own:
            self.values[target].add_(output)
        else:
            self.values[target] = self.values[target] + output
            self._own.add(target)


def after_relu(operation: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """Return what follows an operation's first ReLU; None where it begins with something else."""
    if isinstance(operation, AfterRelu):
        return operation.after_relu if type(operation.relu) is nn.ReLU else None
    if isinstance(operation, nn.Sequential):
        layers = list(operation.children())
        if len(layers) > 1 and type(layers[0]) is nn.ReLU:
            return lambda features: in_turn(layers[1:], features)
    return None


class AfterRelu(nn.Module, ABC):
    """An operation that begins with its layer `relu` and says what follows."""

    relu: nn.Module

    @abstractmethod
    def after_relu(self, features: Tensor) -> Tensor:
        """Return the output for features that the first layer has gone over already."""


def in_turn(layers: Iterable[nn.Module], features: Tensor) -> Tensor:
    """Run the layers one after another, a ReLU after a BatchNorm in place: its backward pass reads its input alone."""
    normalised = False
    for layer in layers:
        if normalised and type(layer) is nn.ReLU:
            features = features.relu_()
        else:
            features = layer(features)
        normalised = isinstance(layer, nn.BatchNorm2d)
    return features


def halves(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pixels at even rows and columns, and those at odd ones, of maps of even height and width."""
    if not _differentiates():
        return features[:, :, ::2, ::2], features[:, :, 1::2, 1::2]
    even, odd = _Halves.apply(features)
    return even, odd


def join(maps: Sequence[Tensor]) -> Tensor:
    """Return the maps side by side along the channels; their gradients come back as whole tensors, not as views.

    BatchNorm's backward pass would bring a view into the other memory format first.
    """
    if not _differentiates():
        return torch.cat(list(maps), dim=1)
    joined: Tensor = _Join.apply(*maps)
    return joined


def _differentiates() -> bool:
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def _format(tensor: Tensor) -> torch.memory_format:
    last = tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


class _Halves(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(features: Tensor) -> tuple[Tensor, Tensor]:
        keep = _format(features)
        even, odd = features[:, :, ::2, ::2], features[:, :, 1::2, 1::2]
        return even.contiguous(memory_format=keep), odd.contiguous(memory_format=keep)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.size, ctx.format = inputs[0].shape, _format(inputs[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        even, odd = gradients
        whole = torch.zeros(ctx.size, dtype=even.dtype, device=even.device).contiguous(memory_format=ctx.format)
        whole[:, :, ::2, ::2], whole[:, :, 1::2, 1::2] = even, odd
        return whole


class _Join(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(*maps: Tensor) -> Tensor:
        return torch.cat(maps, dim=1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.widths = [one.shape[1] for one in inputs]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        (gradient,) = gradients
        keep = _format(gradient)
        return tuple(part.contiguous(memory_format=keep) for part in gradient.split(ctx.widths, dim=1))

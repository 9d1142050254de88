"""The candidate operations of the cell spaces: (B,C,H,W) → (B,C,⌈H/stride⌉,⌈W/stride⌉).

Every operation yields the ceiling at odd sizes, so that any mixture of them can be summed. Kernels, order of layers and
padding are those of DARTS (Liu et al., ICLR 2019) and NAS-Bench-201 (Dong and Yang, ICLR 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.errors import nearest, refuse
from wsrnas.fast import FastPath
from wsrnas.networks.cells.depthwise import DepthwiseConv2d
from wsrnas.networks.cells.sharing import AfterRelu, halves


@dataclass(frozen=True, kw_only=True)
class BatchNorm:
    """How a network normalises: called with a number of channels, it makes one layer."""

    affine: bool = True
    track_running_stats: bool = True
    after_pooling: bool = False

    def __call__(self, channels: int) -> nn.BatchNorm2d:
        """Return a new layer."""
        return nn.BatchNorm2d(channels, affine=self.affine, track_running_stats=self.track_running_stats)


DERIVED = BatchNorm()
"""Networks that are built to be trained: affine, running averages, pooling left bare."""
SHARED = BatchNorm(affine=False, track_running_stats=False, after_pooling=True)
"""Super-networks: statistics of the batch in train and eval mode alike, so attacked network = measured network."""


class Zero(nn.Module):
    """The operation `none`: zeros of the right shape."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        """Return zeros."""
        return torch.zeros_like(features[:, :, :: self.stride, :: self.stride])


class FactorizedReduce(FastPath, AfterRelu):
    """Halve the resolution without losing pixels: two 1x1 convolutions, on even and on odd positions.

    Differs from the released code: at odd sizes the odd positions are padded with one row and column of zeros, where
    the released code fails.
    """

    def __init__(self, channels_in: int, channels_out: int, batch_norm: BatchNorm) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(channels_in, channels_out // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(channels_in, channels_out - channels_out // 2, 1, stride=2, bias=False)
        self.norm = batch_norm(channels_out)

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels_out, ⌈H/2⌉, ⌈W/2⌉)."""
        return self.after_relu(self.relu(features))

    def after_relu(self, features: Tensor) -> Tensor:
        """Return the same for features that are rectified already."""
        height, width = features.shape[2:]
        if self.fast and not torch.compiler.is_compiling() and height % 2 == width % 2 == 0:
            even, odd = halves(features)
            pieces = [functional.conv2d(even, self.even.weight), functional.conv2d(odd, self.odd.weight)]
        else:
            shifted = functional.pad(features, (0, width % 2, 0, height % 2))[:, :, 1:, 1:]
            pieces = [self.even(features), self.odd(shifted)]
        return self.norm(torch.cat(pieces, dim=1))


def relu_conv_norm(
    channels_in: int, channels_out: int, kernel: int, batch_norm: BatchNorm, *, stride: int = 1
) -> nn.Sequential:
    """Return ReLU, convolution, BatchNorm."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, batch_norm(channels_out))


def _depthwise(channels: int, kernel: int, stride: int, dilation: int, batch_norm: BatchNorm) -> list[nn.Module]:
    return [
        nn.ReLU(),
        DepthwiseConv2d(channels, kernel, stride=stride, dilation=dilation),
        nn.Conv2d(channels, channels, 1, bias=False),
        batch_norm(channels),
    ]


def _separable(channels: int, kernel: int, stride: int, batch_norm: BatchNorm) -> nn.Module:
    twice = (_depthwise(channels, kernel, step, 1, batch_norm) for step in (stride, 1))
    return nn.Sequential(*(layer for layers in twice for layer in layers))


def _dilated(channels: int, kernel: int, stride: int, batch_norm: BatchNorm) -> nn.Module:
    return nn.Sequential(*_depthwise(channels, kernel, stride, 2, batch_norm))


def _asymmetric(channels: int, stride: int, batch_norm: BatchNorm) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, (1, 7), stride=(1, stride), padding=(0, 3), bias=False),
        nn.Conv2d(channels, channels, (7, 1), stride=(stride, 1), padding=(3, 0), bias=False),
        batch_norm(channels),
    )


def _pooling(pool: nn.Module, channels: int, batch_norm: BatchNorm) -> nn.Module:
    return nn.Sequential(pool, batch_norm(channels)) if batch_norm.after_pooling else pool


def _skip(channels: int, stride: int, batch_norm: BatchNorm) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, batch_norm)


OPERATIONS: dict[str, Callable[[int, int, BatchNorm], nn.Module]] = {
    "none": lambda channels, stride, norm: Zero(stride),
    "max_pool_3x3": lambda channels, stride, norm: _pooling(nn.MaxPool2d(3, stride, 1), channels, norm),
    "avg_pool_3x3": lambda channels, stride, norm: _pooling(
        nn.AvgPool2d(3, stride, 1, count_include_pad=False), channels, norm
    ),
    "skip_connect": _skip,
    "sep_conv_3x3": lambda channels, stride, norm: _separable(channels, 3, stride, norm),
    "sep_conv_5x5": lambda channels, stride, norm: _separable(channels, 5, stride, norm),
    "sep_conv_7x7": lambda channels, stride, norm: _separable(channels, 7, stride, norm),
    "dil_conv_3x3": lambda channels, stride, norm: _dilated(channels, 3, stride, norm),
    "dil_conv_5x5": lambda channels, stride, norm: _dilated(channels, 5, stride, norm),
    "conv_7x1_1x7": _asymmetric,
    "nor_conv_1x1": lambda channels, stride, norm: relu_conv_norm(channels, channels, 1, norm, stride=stride),
    "nor_conv_3x3": lambda channels, stride, norm: relu_conv_norm(channels, channels, 3, norm, stride=stride),
}


def make_operation(name: str, channels: int, stride: int, batch_norm: BatchNorm) -> nn.Module:
    """Build one operation.

    Raises:
        InputError: no operation of that name; suggests the nearest.
    """
    if name not in OPERATIONS:
        refuse("operation", expected="a known operation", got=repr(name), remedy=nearest(name, tuple(OPERATIONS)))
    return OPERATIONS[name](channels, stride, batch_norm)

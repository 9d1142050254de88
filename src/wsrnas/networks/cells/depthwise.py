"""Depthwise convolution whose input gradient is itself a depthwise convolution."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.fast import FastPath


class DepthwiseConv2d(FastPath, nn.Conv2d):
    """One kernel per channel: y[o] = Σ_t w[t]·x[s·o − p + d·t], (B,C,H,W) → (B,C,H',W').

    The input gradient, Σ_t w[t]·g[(i + p − d·t)/s], is computed as a convolution of g with the kernel turned around.
    On CPU that costs what the forward pass costs, where torch's own takes up to ten times as long at dilation 2; so
    does its gradient to the weights, which is taken on the pixels that meet one another, without dilation.
    Strides that do not divide the dilation, other devices, mixed precision and exported graphs take torch's own.
    """

    def __init__(self, channels: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(
            channels,
            channels,
            kernel,
            stride,
            dilation * (kernel // 2),
            dilation,
            groups=channels,
            bias=False,
        )

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H2 W2"]:
        """Return the convolved channels."""
        stride, dilation = self.stride[0], self.dilation[0]
        if self.fast and dilation % stride == 0 and _differentiates_on_cpu(features):
            output: Tensor = _Turned.apply(features, self.weight, stride, dilation)
            return output
        return super().forward(features)


def _differentiates_on_cpu(features: Tensor) -> bool:
    return (
        features.device.type == "cpu"
        and features.requires_grad
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


class _Turned(torch.autograd.Function):
    """Forward as torch does it; backward to the input by the kernel turned around, to the weights without dilation."""

    generate_vmap_rule = True

    @staticmethod
    def forward(features: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
        """Return the convolved channels."""
        padding = dilation * (weight.shape[-1] // 2)
        return functional.conv2d(features, weight, None, stride, padding, dilation, features.shape[1])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the features only where the weights are trained."""
        features, weight, ctx.stride, ctx.dilation = inputs
        ctx.size = features.shape
        ctx.save_for_backward(*((weight, features) if ctx.needs_input_grad[1] else (weight,)))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Return the gradients of features and weight."""
        (gradient,) = gradients
        weight, *features = ctx.saved_tensors
        to_features = to_weight = None
        if ctx.needs_input_grad[0]:
            to_features = _input_gradient(gradient, weight, ctx.size, ctx.stride, ctx.dilation)
        if ctx.needs_input_grad[1]:
            to_weight = _weight_gradient(gradient, features[0], weight, ctx.stride, ctx.dilation)
        return to_features, to_weight, None, None


def _input_gradient(gradient: Tensor, weight: Tensor, size: torch.Size, stride: int, dilation: int) -> Tensor:
    """Only every s-th pixel gets a gradient where the stride s divides dilation and padding: i = s·i' there."""
    inner = dilation // stride
    turned = functional.conv2d(
        gradient, weight.flip(2, 3), None, 1, inner * (weight.shape[-1] // 2), inner, weight.shape[0]
    )
    if stride == 1:
        return turned
    spread = turned.new_zeros(size)
    if gradient.is_contiguous(memory_format=torch.channels_last):
        spread = spread.contiguous(memory_format=torch.channels_last)
    spread[:, :, ::stride, ::stride] = turned
    return spread


def _weight_gradient(gradient: Tensor, features: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
    """Taken of the pixels that a stride s reads, and of each of the d·d interleaved images that a dilation d leaves."""
    inner = dilation // stride
    features = features[:, :, ::stride, ::stride]
    if inner > 1 and features.shape[2] % inner == features.shape[3] % inner == 0:
        gradient, features, inner = _interleaved(gradient, inner), _interleaved(features, inner), 1
    padding = inner * (weight.shape[-1] // 2)
    sizes = [1, 1], [padding] * 2, [inner] * 2
    found: Tensor = torch.ops.aten.convolution_backward(
        gradient, features, weight, None, *sizes, False, [0, 0], weight.shape[0], [False, True, False]
    )[1]
    return found


def _interleaved(maps: Tensor, step: int) -> Tensor:
    """Return the step² images of every `step`-th row and column, side by side in the batch, channels last."""
    batch, channels, height, width = maps.shape
    size = height // step, width // step
    split = maps.reshape(batch, channels, size[0], step, size[1], step).permute(3, 5, 0, 2, 4, 1)
    return split.reshape(step * step * batch, *size, channels).permute(0, 3, 1, 2)

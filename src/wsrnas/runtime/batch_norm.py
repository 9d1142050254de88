"""BatchNorm over a batch whose images lie on several processes: statistics and gradients are those of one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from wsrnas.runtime import processes


class WholeBatchStatistics(TorchFunctionMode):
    """Inside the block every batch normalisation by batch statistics is one over the batches of all processes.

    It catches the function, not the layers, so that layers of any library and functional calls are the same. Every
    process has to make the same calls, with at least one image each.
    """

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call the function, or what stands for it."""
        if function is functional.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def _batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not training:
        return functional.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    mean, variance, count = whole_statistics(input.detach())
    if running_mean is not None and running_var is not None:
        unbiased = variance * (count / (count - 1))
        running_mean.lerp_(mean.to(running_mean), momentum)
        running_var.lerp_(unbiased.to(running_var), momentum)
    normalised: Tensor = _WholeBatchNorm.apply(input, weight, bias, mean, variance, count, eps)
    return normalised


@torch.no_grad()
def whole_statistics(features: Tensor) -> tuple[Tensor, Tensor, float]:
    """Return mean and biased variance (C,) of features (B,C,…) over all processes, and how many values each is of.

    Added up in double precision as Σn, Σn·m and Σn·(v + m²), from which the variance is E[x²] − E[x]².
    """
    own = features.float()
    variance, mean = torch.var_mean(own, dim=_all_but_channels(own), correction=0)
    values, mean, variance = own.numel() / own.shape[1], mean.double(), variance.double()
    sums = torch.cat([mean.new_tensor([values]), values * mean, values * (variance + mean.square())])
    count, first, second = processes.all_sum(sums).split([1, len(mean), len(mean)])
    mean = first / count
    return mean.float(), (second / count - mean.square()).clamp_min(0).float(), float(count)


class _WholeBatchNorm(torch.autograd.Function):
    """y = (x − m)/√(v + eps)·w + b; ∂L/∂x needs Σ∂L/∂y and Σ∂L/∂y·x̂ over the whole batch."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor | None, bias: Tensor | None,
        mean: Tensor, variance: Tensor, count: float, eps: float,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(input, weight, mean, torch.rsqrt(variance + eps))
        ctx.count = count
        return functional.batch_norm(input, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        input, weight, mean, scale = ctx.saved_tensors
        shape = (1, -1, *[1] * (input.ndim - 2))
        dims = _all_but_channels(input)
        centred, steep = input.float() - mean.view(shape), gradient.float()
        total, along = steep.sum(dims), (steep * centred).sum(dims) * scale
        found: Tensor | None = None
        if ctx.needs_input_grad[0]:
            sums = processes.all_sum(torch.cat([total, along]).double()).float() / ctx.count
            whole_total, whole_along = sums.split(len(total))
            slope = scale if weight is None else scale * weight.float()
            found = torch.addcmul(steep - whole_total.view(shape), centred, (-whole_along * scale).view(shape))
            found = found.mul_(slope.view(shape)).to(input.dtype)
        along = along if ctx.needs_input_grad[1] else None
        return found, along, total if ctx.needs_input_grad[2] else None, None, None, None, None


def _all_but_channels(features: Tensor) -> list[int]:
    return [dim for dim in range(features.ndim) if dim != 1]

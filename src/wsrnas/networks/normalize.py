"""Pixels in [0,1] to standardised pixels: the first layer of every network, so that nothing else knows mean or std."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.types import Images


class Normalize(nn.Module):
    """(x − mean) / std per channel, computed in float32; one value stands for all channels.

    Raises:
        InputError: mean and std of different lengths, a std that is not positive, or images with other channels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float] = (0.0,), std: Sequence[float] = (1.0,)) -> None:
        super().__init__()
        if len(mean) != len(std) or not len(mean):
            refuse("std", expected=f"as many values as mean has ({len(mean)})", got=f"{len(std)} values")
        if any(not value > 0 for value in std):
            refuse("std", expected="values > 0", got=tuple(std))
        self.register_buffer("mean", torch.tensor(list(mean), dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(list(std), dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, images: Images) -> Images:
        """Return standardised images of the same shape."""
        if self.mean.shape[1] not in (1, images.shape[1]):
            refuse("images", expected=f"{self.mean.shape[1]} channels, as many as mean has", got=f"{images.shape[1]}")
        return (images.float() - self.mean) / self.std

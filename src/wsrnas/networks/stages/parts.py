"""Pieces of a network as values: built when they are wanted, and counted without being built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from torch import nn

from wsrnas.networks.cost import Cost


class Convolution(NamedTuple):
    """A convolution without bias that keeps the resolution, or under a stride leaves the ceiling of its share."""

    channels_in: int
    channels: int
    kernel: int
    stride: int = 1
    groups: int = 1

    @property
    def weights(self) -> int:
        """How many there are."""
        return self.channels_in * self.channels * self.kernel**2 // self.groups

    def build(self) -> nn.Conv2d:
        """Return the layer."""
        size = self.channels_in, self.channels, self.kernel, self.stride, self.kernel // 2
        return nn.Conv2d(*size, groups=self.groups, bias=False)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What a piece holds: its convolutions, each with the stride from the piece's input to the convolution's output;
    `matrices`, weights used once per image; `vectors`, weights that are added or that scale."""

    convolutions: tuple[tuple[Convolution, int], ...] = ()
    matrices: int = 0
    vectors: int = 0
    stride: int = 1


class Part(ABC):
    """A piece of a network that maps a batch to a batch; concrete classes are frozen dataclasses."""

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the piece with fresh weights."""

    @abstractmethod
    def tally(self) -> Tally:
        """Return what `build` would hold."""


@lru_cache(maxsize=1 << 14)
def _tally(part: Part) -> Tally:
    return part.tally()


def chain_parameters(parts: Iterable[Part]) -> int:
    """Return the parameters of pieces one after the other."""
    return sum(
        sum(layer.weights for layer, _ in tally.convolutions) + tally.matrices + tally.vectors
        for tally in map(_tally, parts)
    )


def chain_cost(parts: Iterable[Part], height: int, width: int) -> Cost:
    """Return the cost of pieces one after the other, the first of which reads an image of that size."""
    parts = list(parts)
    multiply_adds, before = 0, 1
    for tally in map(_tally, parts):
        for layer, stride in tally.convolutions:
            multiply_adds += layer.weights * -(-height // (before * stride)) * -(-width // (before * stride))
        multiply_adds += tally.matrices
        before *= tally.stride
    return Cost(parameters=chain_parameters(parts), multiply_adds=multiply_adds)

"""Random draws from one generator, wherever it lives; of a batch that processes share, each has those of its rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from wsrnas.runtime.shares import drawn


def uniform(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return numbers from [0,1), one row an image, on the generator's device."""
    return drawn(shape, lambda whole: torch.rand(whole, generator=generator, device=generator.device))


def normal(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return numbers from N(0, 1), one row an image, on the generator's device."""
    return drawn(shape, lambda whole: torch.randn(whole, generator=generator, device=generator.device))


def whole_numbers(below: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return numbers from 0 to `below` − 1, one row an image, on the generator's device."""
    return drawn(shape, lambda whole: torch.randint(0, below, whole, generator=generator, device=generator.device))


def signs(shape: Sequence[int], generator: torch.Generator, like: Tensor) -> Tensor:
    """Return −1 or +1 with equal chance, one row an image, in the dtype and on the device of `like`."""
    return (2 * whole_numbers(2, shape, generator) - 1).to(like)


def draw_seed(generator: torch.Generator) -> int:
    """Draw a 31-bit seed; reads the device once."""
    return int(torch.randint(0, 2**31 - 1, (1,), generator=generator, device=generator.device).item())


def host_generator(generator: torch.Generator) -> torch.Generator:
    """Return a generator on the host seeded by one draw, for choices that Python itself has to make."""
    return torch.Generator().manual_seed(draw_seed(generator))


def integer(low: int, high: int, generator: torch.Generator) -> int:
    """Draw a Python integer from low <= i < high, with a host generator."""
    return int(torch.randint(low, high, (1,), generator=generator).item())

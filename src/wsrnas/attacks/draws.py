"""Random draws from one generator, wherever it lives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def signs(shape: Sequence[int], generator: torch.Generator, like: Tensor) -> Tensor:
    """Return −1 or +1 with equal chance, in the dtype and on the device of `like`."""
    drawn = torch.randint(0, 2, tuple(shape), generator=generator, device=generator.device)
    return (2 * drawn - 1).to(like)


def draw_seed(generator: torch.Generator) -> int:
    """Draw a 31-bit seed; reads the device once."""
    return int(torch.randint(0, 2**31 - 1, (1,), generator=generator, device=generator.device).item())


def host_generator(generator: torch.Generator) -> torch.Generator:
    """Return a generator on the host seeded by one draw, for choices that Python itself has to make."""
    return torch.Generator().manual_seed(draw_seed(generator))


def integer(low: int, high: int, generator: torch.Generator) -> int:
    """Draw a Python integer from low <= i < high, with a host generator."""
    return int(torch.randint(low, high, (1,), generator=generator).item())

"""Randomness derived from (seed, purpose, position), so that nothing random has to be remembered.

A stream is named by what it is for: ``stream(seed, "sample", 7)`` is the same generator in a run that was killed and
started again as in one that was not, whatever was drawn in between. Only weight initialisation, which torch draws
from its global generator, needs `fixed_global_seed`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(seed: int, *path: str | int) -> int:
    """Return a 63-bit seed that depends on every part of the path."""
    digest = hashlib.sha256(repr((seed, *path)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(seed: int, *path: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator for one purpose at one position."""
    generator = torch.Generator(device=device)
    generator.manual_seed(derive_seed(seed, *path))
    return generator


@contextmanager
def fixed_global_seed(seed: int, *path: str | int) -> Iterator[None]:
    """Draw from torch's global generator reproducibly inside the block and leave it as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(seed, *path))
        yield

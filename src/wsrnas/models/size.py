"""A network as large as its file of weights, and no larger, before memory is taken for it."""

from __future__ import annotations

from pathlib import Path

from wsrnas.errors import InputError, refuse
from wsrnas.files import is_file
from wsrnas.models.network import REMEDY, NetworkSpec


def check_size(network: NetworkSpec, weights: Path, *, source: str) -> None:
    """Refuse a network that cannot be built, or has more parameters than its file of weights has bytes."""
    try:
        count = network.parameters()
    except (RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{source}: describes no network that can be built ({error}); {REMEDY}") from error
    size = weights.stat().st_size if is_file(weights) else count
    if count > size:
        expected = f"the network of {weights} ({size:,} bytes)"
        refuse(source, expected=expected, got=f"{count:,} parameters", remedy=REMEDY)

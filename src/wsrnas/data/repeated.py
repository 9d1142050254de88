"""Test images that the network may have been trained on: exact copies, found without decoding any."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from wsrnas.data.sources.base import Source

MOST_IMAGES = 300_000
MOST_BYTES = 2 * 2**30


def repeated(train: Source, train_rows: Iterable[int], test: Source, test_rows: Iterable[int]) -> int | None:
    """Return how many test images are training images too, byte for byte as they are stored.

    Only images whose stored sizes agree are read. None where even these are too many to be read on the way
    (`MOST_IMAGES` in all, `MOST_BYTES` to read).
    """
    train_rows, test_rows = list(train_rows), list(test_rows)
    if len(train_rows) + len(test_rows) > MOST_IMAGES:
        return None
    train_sizes = {row: train.size(row) for row in train_rows}
    test_sizes = {row: test.size(row) for row in test_rows}
    common = set(train_sizes.values()) & set(test_sizes.values())
    candidates = [row for row, size in train_sizes.items() if size in common]
    asked = [row for row, size in test_sizes.items() if size in common]
    if sum(train_sizes[row] for row in candidates) + sum(test_sizes[row] for row in asked) > MOST_BYTES:
        return None
    known = {_digest(train.stored(row)) for row in candidates}
    return sum(_digest(test.stored(row)) in known for row in asked)


def _digest(stored: bytes) -> bytes:
    return hashlib.blake2b(stored, digest_size=16).digest()

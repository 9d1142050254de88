"""The network passes of a whole search at the paper's own size, counted without any of it being run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from wsrnas.configure import configured
from wsrnas.data import DataBundle
from wsrnas.data.memory import MemorySplit
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.plan import planned

HALF = 25_000
"""Images of CIFAR-10 in D_t, and in D_v."""
SMALLEST = {"channels": 2, "layers": 3}
"""Passes do not depend on the size of what is passed through."""


def passes_of(recipe: str, settings: Mapping[str, Any]) -> int:
    """Return the passes, one image each, forward and backward one each, of a search recipe on CIFAR-10."""
    return _passes_of(recipe, json.dumps(dict(settings)))


@cache
def _passes_of(recipe: str, settings: str) -> int:
    config = configured(SearchConfig, "search", recipe, {**json.loads(settings), "space": SMALLEST})
    evaluator = OneShot(config, _blank(), Runtime())
    return sum(planned(config, evaluator.data, evaluator).values())


@cache
def _blank() -> DataBundle:
    """Return halves of the right length; what is on the images does not matter."""
    pixels, labels = torch.zeros(HALF, 3, 8, 8, dtype=torch.uint8), torch.zeros(HALF, dtype=torch.int64)
    split = MemorySplit(pixels, labels, torch.arange(HALF))
    return DataBundle(
        name="cifar10",
        class_names=tuple(map(str, range(10))),
        class_order="",
        image_shape=(3, 8, 8),
        augment=None,
        load_part=lambda _: split,
    )

"""Dividing rows by class: disjoint parts, and subsets with classes as equal as they can be."""

from __future__ import annotations

from typing import TypeAlias

import torch
from jaxtyping import Int
from torch import Generator, Tensor

from wsrnas.errors import refuse

Rows: TypeAlias = Int[Tensor, "_"]  # a fresh length wherever it stands


def rows_by_class(labels: Rows, rows: Rows, generator: Generator) -> list[Rows]:
    """Return the rows of each class that occurs, each in a random order."""
    groups = []
    for label in torch.unique(labels[rows]).tolist():
        members = rows[labels[rows] == label]
        groups.append(members[torch.randperm(len(members), generator=generator)])
    return groups


def shuffled(groups: list[Rows], generator: Generator) -> Rows:
    """Return all rows of some groups in one random order."""
    joined = torch.cat(groups) if groups else torch.empty(0, dtype=torch.int64)
    return joined[torch.randperm(len(joined), generator=generator)]


def divide(labels: Rows, rows: Rows, share: float, generator: Generator) -> tuple[Rows, Rows]:
    """Divide rows into (kept, held out), `share` of every class held out, at least one image on each side.

    Both are in random order, so that any first part of either is a random sample. With share 0 nothing is held out.
    """
    kept, held = [], []
    for members in rows_by_class(labels, rows, generator):
        count = min(max(round(share * len(members)), 1), len(members) - 1) if share > 0 else 0
        held.append(members[:count])
        kept.append(members[count:])
    return shuffled(kept, generator), shuffled(held, generator)


def limit(labels: Rows, rows: Rows, count: int | None, generator: Generator, *, field: str, part: str) -> Rows:
    """Return `count` of the rows, drawn by class; classes differ by one at most unless one has too few images.

    Raises:
        InputError: more than there are, or fewer than one for each class.
    """
    if count is None:
        return rows
    if count > len(rows):
        remedy = f"{part} holds {len(rows)} images: lower --{field} or leave it out"
        refuse(field, expected=f"at most {len(rows)}", got=count, remedy=remedy)
    groups = rows_by_class(labels, rows, generator)
    if count < len(groups):
        remedy = f"raise --{field}"
        refuse(field, expected=f"at least {len(groups)}, one image for each class", got=count, remedy=remedy)
    quotas, left = [0] * len(groups), count
    order = torch.randperm(len(groups), generator=generator).tolist()
    while left:
        for place in order:
            if left and quotas[place] < len(groups[place]):
                quotas[place] += 1
                left -= 1
    return shuffled([group[:quota] for group, quota in zip(groups, quotas)], generator)

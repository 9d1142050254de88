"""What the paths through a cell compute: features of H by which a Gaussian process tells architectures apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.estimators.loss.features import Features

ABSENT, IDENTITY = "none", "skip_connect"
FACTORS = (0.0, 0.25, 4.0)
"""What a balance multiplies a path's weight by for every operation of its kind on the path."""

Along = Callable[[int, Tensor], Tensor]
"""(row of H, quantity at the source) → what that edge adds to the quantity at its target."""


@final
@dataclass(frozen=True, kw_only=True)
class PathFeatures(Features):
    """Two groups of features of H; architectures that differ in dead edges only have the same.

    A path leads from an input of a cell to one of its output nodes. It spells the word of its operations, where `none`
    cuts it and a skip adds no letter; its weight under a relaxed H is Π h over its edges. Per cell:

    * words: log(1 + Z_w) for each word w of at most `longest` letters, Z_w the total weight of the paths that spell it;
    * balances: log(1 + Σ_path weight·t^#o) for every operation o but `none` and skip, and for all of these, and
      t in `FACTORS`, and t = 1: t = 0 counts the paths without o, a large t those that run through it often.

    Both are polynomials of H inside a logarithm, so differentiable. `edges` are the rows of H as (cell, source,
    target), targets ascending within a cell; `outputs` the output nodes of each cell; nodes that are nobody's target
    are inputs.

    Source: words are the path encoding of White et al., "BANANAS", AAAI 2021, without identities; balances are ours.
    """

    edges: Sequence[tuple[str, int, int]]
    operations: Sequence[str]
    outputs: Mapping[str, Sequence[int]]
    longest: int = 3

    def __call__(self, encodings: Float[Tensor, "M E K"]) -> tuple[Float[Tensor, "M W"], Float[Tensor, "M B"]]:
        """Return words and balances in double precision."""
        weights = encodings.double()
        empty_word = torch.zeros(len(self._words), dtype=torch.float64)
        empty_word[0] = 1.0
        factors = self._factors

        def spell(row: int, at_source: Tensor) -> Tensor:
            total = torch.zeros_like(at_source)
            for k, (words, longer) in self._spelling.items():
                total = total.index_add(1, longer, weights[:, row, k, None] * at_source[:, words])
            return total

        def scale(row: int, at_source: Tensor) -> Tensor:
            return (weights[:, row] @ factors.T) * at_source

        words = [self._sum_over_paths(cell, empty_word, spell, len(weights)) for cell in self.outputs]
        one = torch.ones(len(factors), dtype=torch.float64)
        balances = [self._sum_over_paths(cell, one, scale, len(weights)) for cell in self.outputs]
        return torch.log1p(torch.cat(words, dim=1)), torch.log1p(torch.cat(balances, dim=1))

    def details(self, encodings: Float[Tensor, "M E K"]) -> Float[Tensor, "M D"]:
        """Return the edges in use, one feature per edge and operation."""
        return self.live_edges(encodings)

    def live_edges(self, encodings: Float[Tensor, "M E K"]) -> Float[Tensor, "M D"]:
        """Return H without `none` and, edge by edge, times the share of it that some path of the cell runs through.

        That share is min(1, weight of the paths to the source)·min(1, weight of the paths from the target on): 1 for
        an edge in use and 0 for a dead one in a genotype, whose operation changes nothing.
        """
        weights = encodings.double()
        operations = [k for k, name in enumerate(self.operations) if name != ABSENT]
        passing = weights[:, :, operations].sum(dim=2)
        one = weights.new_ones(len(weights))
        used = torch.zeros_like(passing)
        for cell in self.outputs:
            rows = self._rows(cell)
            before = self._before(cell, one, lambda row, at_source: passing[:, row] * at_source)
            after = dict.fromkeys(self.outputs[cell], one)
            for row, source, target in reversed(rows):
                if target in after:
                    after[source] = after.get(source, torch.zeros_like(one)) + passing[:, row] * after[target]
            for row, source, target in rows:
                if target in after:
                    used[:, row] = before[source].clamp(max=1.0) * after[target].clamp(max=1.0)
        return (weights[:, :, operations] * used[:, :, None]).flatten(1)

    def _sum_over_paths(self, cell: str, start: Tensor, along: Along, count: int) -> Tensor:
        """Return Σ over all paths of the cell: what an edge brings is a function of its source."""
        at = self._before(cell, start.expand(count, -1), along)
        return torch.stack([at[node] for node in self.outputs[cell]]).sum(dim=0)

    def _before(self, cell: str, start: Tensor, along: Along) -> dict[int, Tensor]:
        """Return, node by node, the sum over all paths that lead there from an input, where it is `start`."""
        rows = self._rows(cell)
        at = dict.fromkeys({source for _, source, _ in rows} - {target for _, _, target in rows}, start)
        for row, source, target in rows:
            brought = along(row, at[source])
            at[target] = at[target] + brought if target in at else brought
        return at

    def _rows(self, cell: str) -> list[tuple[int, int, int]]:
        return [(row, source, target) for row, (name, source, target) in enumerate(self.edges) if name == cell]

    @cached_property
    def _letters(self) -> list[int]:
        return [k for k, name in enumerate(self.operations) if name not in (ABSENT, IDENTITY)]

    @cached_property
    def _words(self) -> list[tuple[int, ...]]:
        return [word for length in range(self.longest + 1) for word in product(self._letters, repeat=length)]

    @cached_property
    def _spelling(self) -> dict[int, tuple[Tensor, Tensor]]:
        """Per operation: which words it can be appended to, and which words that makes; too long ones are dropped."""
        place = {word: index for index, word in enumerate(self._words)}
        table = {}
        for k, name in enumerate(self.operations):
            if name != ABSENT:
                longer = {index: place.get(word if name == IDENTITY else (*word, k)) for word, index in place.items()}
                kept = [(index, after) for index, after in longer.items() if after is not None]
                table[k] = (torch.tensor([index for index, _ in kept]), torch.tensor([after for _, after in kept]))
        return table

    @cached_property
    def _factors(self) -> Float[Tensor, "B K"]:
        """One row per balance: what each operation multiplies the weight of a path by."""
        neutral = torch.tensor([float(name != ABSENT) for name in self.operations], dtype=torch.float64)
        rows = [neutral]
        for kinds in [*([k] for k in self._letters), self._letters]:
            for factor in FACTORS:
                rows.append(neutral.clone())
                rows[-1][kinds] *= factor
        return torch.stack(rows)

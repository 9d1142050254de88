"""What a Gaussian process sees of a network of stages: shape and size on one hand, kinds and places on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.estimators.loss.features import Features
from wsrnas.networks.stages.blocks import Block
from wsrnas.networks.stages.parts import chain_parameters
from wsrnas.networks.stages.style import Style

ORDERED = ("depth", "width")
UNIT = 16
"""Channels of the stem at which weights are counted; other units shift the logarithm of all alike."""
STYLE = Style(activation="relu", normalisation="batch", order="pre")


@final
@dataclass(frozen=True, kw_only=True)
class StageFeatures(Features):
    """Two groups of features of H, the rows of which are (stage, field, options); stage −1 is the network.

    * shape: of every stage the expected log2 of depth, width and weights; of the network log2 of blocks and weights.
      Weights are Σ over all options of their product of h times what a stage of these options weighs, so exact in a
      genotype (of the stages at 16 channels and stride 1) and a polynomial of H in between.
    * choices: h of every option whose row has no order: kinds, kernels, strides, stem, activation and norm.

    Source: ours.
    """

    rows: Sequence[tuple[int, str, tuple[Any, ...]]]
    stages: int

    def __call__(self, encodings: Float[Tensor, "M E K"]) -> tuple[Float[Tensor, "M S"], Float[Tensor, "M C"]]:
        """Return shape and choices in double precision."""
        h = encodings.double()
        logs = [self._expected(h, stage, name, log=True) for stage in range(self.stages) for name in ORDERED]
        depths = torch.stack([self._expected(h, stage, "depth") for stage in range(self.stages)], dim=1)
        weights = torch.stack([self._weights(h, stage) for stage in range(self.stages)], dim=1)
        sums = [depths.sum(dim=1, keepdim=True), weights, weights.sum(dim=1, keepdim=True)]
        shape = [*(log[:, None] for log in logs), *(torch.log2(1 + total) for total in sums)]
        choices = [h[:, row, : len(options)] for row, (_, name, options) in enumerate(self.rows) if name not in ORDERED]
        return torch.cat(shape, dim=1), torch.cat(choices, dim=1)

    def details(self, encodings: Float[Tensor, "M E K"]) -> Float[Tensor, "M D"]:
        """Return both groups as one."""
        return torch.cat(self(encodings), dim=1)

    def _row(self, h: Tensor, stage: int, name: str) -> Float[Tensor, "M O"]:
        for row, (place, field, options) in enumerate(self.rows):
            if (place, field) == (stage, name):
                return h[:, row, : len(options)]
        raise RuntimeError(f"there is always a row for {name} of stage {stage}")

    def _options(self, name: str) -> tuple[Any, ...]:
        return next(options for _, field, options in self.rows if field == name)

    def _expected(self, h: Tensor, stage: int, name: str, *, log: bool = False) -> Float[Tensor, "M"]:
        values = torch.tensor(self._options(name), dtype=torch.float64)
        return self._row(h, stage, name) @ (values.log2() if log else values)

    def _weights(self, h: Tensor, stage: int) -> Float[Tensor, "M"]:
        """Return first block + (depth − 1)·later block, expected over kind, kernel, squeeze and both widths."""
        kinds = [self._row(h, stage, name) for name in ("block", "kernel", "squeeze", "width")]
        stem = torch.ones(len(h), 1, dtype=h.dtype)
        before = self._row(h, stage - 1, "width") if stage else stem
        first, later = self._table
        first = first[..., :-1, :] if stage else first[..., -1:, :]
        once = torch.einsum("mb,mk,mq,mw,mi,bkqiw->m", *kinds, before, first)
        again = torch.einsum("mb,mk,mq,mw,bkqw->m", *kinds, later)
        return once + (self._expected(h, stage, "depth") - 1) * again

    @cached_property
    def _table(self) -> tuple[Float[Tensor, "B K Q I W"], Float[Tensor, "B K Q W"]]:
        """Weights of a first block by what it reads, a stage of each width or last the stem, and of a later block."""
        kinds = [self._options(name) for name in ("block", "kernel", "squeeze")]
        widths = self._options("width")
        first = [
            _block_weights(kind, kernel, squeeze, before, after)
            for kind, kernel, squeeze, before, after in product(*kinds, (*widths, 1), widths)
        ]
        later = [
            _block_weights(kind, kernel, squeeze, width, width)
            for kind, kernel, squeeze, width in product(*kinds, widths)
        ]
        sizes = [len(options) for options in kinds]
        return (
            torch.tensor(first, dtype=torch.float64).view(*sizes, len(widths) + 1, len(widths)),
            torch.tensor(later, dtype=torch.float64).view(*sizes, len(widths)),
        )


def _block_weights(kind: str, kernel: int, squeeze: bool, before: int, after: int) -> int:
    block = Block(
        kind=kind,
        channels_in=before * UNIT,
        channels=after * UNIT,
        kernel=kernel,
        stride=1,
        squeeze=squeeze,
        style=STYLE,
    )
    return chain_parameters([block])

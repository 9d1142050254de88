"""RobNets (Guo et al., CVPR 2020): every edge of a DARTS cell may carry a separable convolution, a skip, or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wsrnas.errors import refuse
from wsrnas.networks.cells.cells import CellNetwork, LabelledEdge, stacked_cells
from wsrnas.networks.cells.operations import BatchNorm

CODES = {"00": (), "01": ("sep_conv_3x3",), "10": ("skip_connect",), "11": ("sep_conv_3x3", "skip_connect")}
NODES = 4
BATCH_NORM = BatchNorm(affine=False)


class RobNetCell(NamedTuple):
    """A decoded cell; two edges run in parallel where both operations are active."""

    edges: tuple[LabelledEdge, ...]
    concat: tuple[int, ...]


def read_cell(code: Sequence[str]) -> RobNetCell:
    """Decode the 14 two-letter codes of a cell, in the order of its edges (2 into node 2, 3 into node 3, …).

    Raises:
        InputError: not 14 codes of 00, 01, 10, 11.
    """
    pairs = [(source, target) for target in range(2, 2 + NODES) for source in range(target)]
    if len(code) != len(pairs) or any(letters not in CODES for letters in code):
        refuse("code", expected=f"{len(pairs)} codes, each 00, 01, 10 or 11", got=list(code))
    edges = tuple((name, *pair) for letters, pair in zip(code, pairs) for name in CODES[letters])
    return RobNetCell(edges, tuple(range(2, 2 + NODES)))


def robnet(
    codes: Sequence[Sequence[str]],
    *,
    channels: int = 36,
    layers: int = 20,
    num_classes: int = 10,
    image_channels: int = 3,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    stem: str = "cifar",
) -> CellNetwork:
    """Build a RobNet from one code for all cells, or from one code per cell.

    BatchNorm inside the cells is not affine, as in its released code (github.com/gmh14/RobNets).
    """
    if len(codes) not in (1, layers):
        refuse("layers", expected=f"{len(codes)}, one cell per code", got=layers)
    cells = [read_cell(code) for code in codes]
    return stacked_cells(
        cells * layers if len(cells) == 1 else cells,
        channels=channels,
        num_classes=num_classes,
        image_channels=image_channels,
        mean=mean,
        std=std,
        stem=stem,
        batch_norm=BATCH_NORM,
    )

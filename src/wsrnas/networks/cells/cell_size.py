"""How many weights a network of cells has, counted operation by operation instead of by building it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import torch

from wsrnas.networks.cells.cells import INPUTS, CellPlan, cell_places, cell_reads, needed_cells, preprocessing
from wsrnas.networks.cells.nasbench201 import staged_network
from wsrnas.networks.cells.operations import DERIVED, Zero, make_operation
from wsrnas.networks.cells.stems import make_stem
from wsrnas.networks.cost import count_parameters


@cache
def operation_parameters(name: str, channels: int, stride: int) -> int:
    """Return the weights of one operation of a stand-alone network."""
    with torch.device("meta"):
        return count_parameters(make_operation(name, channels, stride, DERIVED))


@cache
def _preprocessing_parameters(channels_in: tuple[int, int], channels: int, reduced_before: bool) -> tuple[int, int]:
    with torch.device("meta"):
        first, second = preprocessing(channels_in, channels, reduced_before=reduced_before, batch_norm=DERIVED)
        return count_parameters(first), count_parameters(second)


@cache
def _stem(name: str, image_channels: int, channels: int) -> tuple[tuple[int, int], bool, int]:
    """Return the channels of a stem, whether it reduces, and its weights."""
    with torch.device("meta"):
        stem = make_stem(name, image_channels, channels, DERIVED)
        return stem.channels, stem.reduces, count_parameters(stem)


def stacked_parameters(
    plans: Sequence[CellPlan], *, channels: int, num_classes: int, image_channels: int, stem: str = "cifar"
) -> int:
    """Return how many weights `stacked_cells` of the same arguments has."""
    stem_channels, reduces, total = _stem(stem, image_channels, channels)
    places = cell_places(plans, channels, stem_channels, stem_reduces=reduces)
    reads = [cell_reads([(source, target) for _, source, target, _ in place.steps], place.concat) for place in places]
    width = stem_channels[1]
    for place, run in zip(places, needed_cells(reads)):
        width = place.channels * len(place.concat)
        if not run:
            continue
        inputs = _preprocessing_parameters(place.channels_in, place.channels, place.reduced_before)
        read = {source for _, source, _, _ in place.steps} | set(place.concat)
        total += sum(weights for node, weights in zip(INPUTS, inputs) if node in read)
        total += sum(operation_parameters(name, place.channels, stride) for name, _, _, stride in place.steps)
    return total + (width + 1) * num_classes


@cache
def _skeleton(channels: int, layers: int, num_classes: int, image_channels: int) -> tuple[int, tuple[int, ...]]:
    """Return the weights of a NAS-Bench-201 network outside its cells, and the width of every cell."""
    widths: list[int] = []

    def no_cell(width: int) -> Zero:
        widths.append(width)
        return Zero(1)

    with torch.device("meta"):
        network = staged_network(
            no_cell,
            channels=channels,
            layers=layers,
            num_classes=num_classes,
            image_channels=image_channels,
            mean=(0.0,),
            std=(1.0,),
            batch_norm=DERIVED,
        )
    return count_parameters(network), tuple(widths)


def staged_parameters(
    operations: Iterable[str], *, channels: int, layers: int, num_classes: int, image_channels: int
) -> int:
    """Return how many weights a `staged_network` has whose cells hold these operations."""
    total, widths = _skeleton(channels, layers, num_classes, image_channels)
    return total + sum(operation_parameters(name, width, 1) for name in operations for width in widths)

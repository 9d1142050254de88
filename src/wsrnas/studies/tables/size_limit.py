"""A published table at a limit of size: what a search may still ask for, and the best it could find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from wsrnas.errors import refuse
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.limited import LimitedSpace
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.studies.tables.robustness_table import RobustnessTable
from wsrnas.types import Choice

CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet": 120, "ImageNet16-120": 120}
CHANNELS, CELLS, IMAGE = 16, 15, (3, 32, 32)
"""The networks of both tables. Their size does not depend on the height and width of the images."""


@dataclass(frozen=True, eq=False)
class TableLimit:
    """By which factor an architecture is over `most` parameters, less 1; `sizes` by its choice."""

    space: NasBench201Space
    sizes: Mapping[Choice, int]
    most: int

    def __call__(self, genotype: Genotype) -> float:
        """Return 0 for an architecture within the limit."""
        return max(0.0, self.sizes[self.space.choice(genotype)] / self.most - 1)


@lru_cache(maxsize=2)
def table_sizes(table: RobustnessTable) -> dict[Choice, int]:
    """Return the parameters of every architecture of a table, operations that cannot change the output left out.

    Isomorphic architectures can differ in size, `(x)@conv + (x)@conv` being one convolution or two, but share their
    accuracy: each counts as much as the larger of itself and the network that was trained.

    Raises:
        InputError: a data set whose number of classes is not known.
    """
    if table.dataset not in CLASSES:
        remedy = f"classes are known for {', '.join(CLASSES)}"
        refuse("--max-params", expected="a data set of known classes", got=repr(table.dataset), remedy=remedy)
    space = NasBench201Space()
    config = NetworkConfig(
        channels=CHANNELS, layers=CELLS, num_classes=CLASSES[table.dataset], image_shape=IMAGE, mean=(0.0,), std=(1.0,)
    )
    trained = [space.parameters(space.at(choice), config) for choice in table.trained]
    return {choice: max(space.parameters(space.at(choice), config), trained[row]) for choice, row in table.rows.items()}


def within(table: RobustnessTable, most_parameters: int) -> RobustnessTable:
    """Return the table without the architectures that have more parameters, and a space that never gives one.

    Raises:
        InputError: a limit below the smallest network; names its size.
    """
    sizes = table_sizes(table)
    if most_parameters < min(sizes.values()):
        remedy = "no network of the table is smaller"
        refuse("--max-params", expected=f"at least {min(sizes.values()):,}", got=f"{most_parameters:,}", remedy=remedy)
    space = NasBench201Space()
    rows = {choice: row for choice, row in table.rows.items() if sizes[choice] <= most_parameters}
    limited = LimitedSpace(
        space=table.space,
        excess=TableLimit(space, sizes, most_parameters),
        members=tuple(space.at(choice) for choice in sorted(rows)),
    )
    return replace(table, space=limited, rows=rows)

"""Search spaces: cells, genotypes, super-networks; the spaces are listed here by name."""

from wsrnas.errors import refuse
from wsrnas.parts import PartConfig, Parts
from wsrnas.spaces.base import Architecture, Edge, NetworkConfig, SearchSpace, SuperNetwork
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Cell, Genotype
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.spaces.parse import read_genotype

SPACES: Parts[SearchSpace] = Parts(
    SearchSpace,
    "spaces",
    [("darts", DartsSpace), ("nb201", NasBench201Space)],
)


def get_space(name: str) -> SearchSpace:
    """Return the search space of that name at its published size.

    The name may come from a genotype file, so no module is imported for it; a search imports the one it is told.

    Raises:
        InputError: no such space (suggests the nearest), or one whose genotypes would not find it again.
    """
    kind = SPACES.kind(name, argument="space", imports=False)
    if SPACES.kind(kind.name, argument=f"the name of {kind.__name__}", imports=False) is not kind:
        remedy = f"set name = {name!r} in the class: its genotypes carry that name"
        refuse("space", expected=f"a space that calls itself {name!r}", got=repr(kind.name), remedy=remedy)
    return SPACES.build(PartConfig(name=name), argument="space")


__all__ = [
    "SPACES",
    "Architecture",
    "Cell",
    "DartsSpace",
    "Edge",
    "Genotype",
    "NasBench201Space",
    "NetworkConfig",
    "SearchSpace",
    "SuperNetwork",
    "get_space",
    "read_genotype",
]

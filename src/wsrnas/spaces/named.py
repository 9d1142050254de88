"""Search spaces by name; a new one is a line here."""

from __future__ import annotations

from wsrnas.errors import refuse
from wsrnas.parts import PartConfig, Parts
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.spaces.stages import StageSpace

SPACES: Parts[SearchSpace] = Parts(
    SearchSpace,
    "spaces",
    [("darts", DartsSpace), ("nb201", NasBench201Space), ("stages", StageSpace)],
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


def known_genotypes() -> dict[str, Genotype]:
    """Return the known architectures of all our spaces by name."""
    return {name: genotype for _, kind in SPACES.items() for name, genotype in kind().known.items()}

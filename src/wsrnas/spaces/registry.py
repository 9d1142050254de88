"""Search spaces by name."""

from __future__ import annotations

from wsrnas.errors import nearest, refuse
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.spaces.stages.space import StageSpace

SPACES: dict[str, type[SearchSpace]] = {space.name: space for space in (DartsSpace, NasBench201Space, StageSpace)}


def get_space(name: str) -> SearchSpace:
    """Return the search space of that name at its published size.

    Raises:
        InputError: no such space; suggests the nearest.
    """
    if name not in SPACES:
        refuse("space", expected="a search space", got=repr(name), remedy=nearest(name, tuple(SPACES)))
    return SPACES[name]()


def known_genotypes() -> dict[str, Genotype]:
    """Return the known architectures of all spaces by name."""
    return {name: genotype for kind in SPACES.values() for name, genotype in kind().known.items()}

"""Search spaces: cells, genotypes, super-networks."""

from wsrnas.spaces.base import Architecture, Edge, NetworkConfig, SearchSpace, SuperNetwork
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Cell, Genotype
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.spaces.parse import read_genotype
from wsrnas.spaces.registry import get_space

__all__ = [
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

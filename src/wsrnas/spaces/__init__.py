"""Search spaces: cells, genotypes, super-networks."""

from wsrnas.spaces.base import Architecture, Decision, NetworkConfig, SearchSpace, SuperNetwork
from wsrnas.spaces.cells import CellSpace, Edge
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Cell, CellGenotype, Genotype
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.spaces.read import read_genotype
from wsrnas.spaces.registry import get_space

__all__ = [
    "Architecture",
    "Cell",
    "CellGenotype",
    "CellSpace",
    "DartsSpace",
    "Decision",
    "Edge",
    "Genotype",
    "NasBench201Space",
    "NetworkConfig",
    "SearchSpace",
    "SuperNetwork",
    "get_space",
    "read_genotype",
]

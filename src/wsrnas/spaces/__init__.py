"""Search spaces: cells, networks of stages, genotypes, super-networks."""

from wsrnas.spaces.base import Architecture, Decision, NetworkConfig, SearchSpace, SuperNetwork
from wsrnas.spaces.cells import CellSpace, Edge
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Cell, CellGenotype, Genotype
from wsrnas.spaces.named import SPACES, get_space, known_genotypes
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.spaces.read import read_genotype
from wsrnas.spaces.stages import Stage, StageGenotype, StageSpace

__all__ = [
    "SPACES",
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
    "Stage",
    "StageGenotype",
    "StageSpace",
    "SuperNetwork",
    "get_space",
    "known_genotypes",
    "read_genotype",
]

"""Whole networks of stages: the space where depth, width, kinds and places are searched."""

from wsrnas.spaces.stages.genotype import Stage, StageGenotype
from wsrnas.spaces.stages.known import KNOWN, KnownNetwork
from wsrnas.spaces.stages.space import StageSpace

__all__ = ["KNOWN", "KnownNetwork", "Stage", "StageGenotype", "StageSpace"]

"""The models of the paper's tables, by name."""

from wsrnas.zoo.card import Card, PublishedResult
from wsrnas.zoo.registry import card, create, genotype, list_models

__all__ = ["Card", "PublishedResult", "card", "create", "genotype", "list_models"]

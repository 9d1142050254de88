"""The models of the paper's tables and their successors, by name."""

from wsrnas.zoo.card import Card, PublishedResult, SearchCost
from wsrnas.zoo.paper import PaperRow, PaperValues, paper_rows, paper_values
from wsrnas.zoo.registry import card, create, find, genotype, knows, list_models, network_settings
from wsrnas.zoo.settings import NetworkSettings

__all__ = [
    "Card",
    "NetworkSettings",
    "PaperRow",
    "PaperValues",
    "PublishedResult",
    "SearchCost",
    "card",
    "create",
    "find",
    "genotype",
    "knows",
    "list_models",
    "network_settings",
    "paper_rows",
    "paper_values",
]

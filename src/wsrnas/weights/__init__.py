"""Weights of networks: read from files and folders, from a hub, or shipped with the package."""

from wsrnas.weights.find import Weights, find_weights, is_weights
from wsrnas.weights.load import load_weights
from wsrnas.weights.shipped import shipped, shipped_folder

__all__ = ["Weights", "find_weights", "is_weights", "load_weights", "shipped", "shipped_folder"]

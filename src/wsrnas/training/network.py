"""Which network to train, as a value that a run folder can hold."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn

from wsrnas import rng
from wsrnas.data import DataBundle
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.config import SizeConfig


class NetworkSpec(ABC):
    """A network that can be built again, on any machine, from what `to_dict` says."""

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network, images (B,C,H,W) in [0,1] → logits; weights drawn from torch's global generator."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return JSON for `network.json`: `kind`, what identifies the network, and `config`, its size."""

    def initialise(self, seed: int) -> nn.Module:
        """Return the network with the weights that belong to the seed."""
        with rng.fixed_global_seed(seed, "train", "weights"):
            return self.build()


@dataclass(frozen=True, kw_only=True)
class GenotypeNetwork(NetworkSpec):
    """The stand-alone network of a genotype at a given size."""

    genotype: Genotype
    config: NetworkConfig

    def build(self) -> nn.Module:
        """Build it through its search space, which refuses unknown operations."""
        return get_space(self.genotype.space).build(self.genotype, self.config)

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"kind": "genotype", "genotype": …, "config": …}``."""
        return {"kind": "genotype", "genotype": json.loads(self.genotype.to_json()), "config": asdict(self.config)}


@dataclass(frozen=True, kw_only=True)
class NamedNetwork(NetworkSpec):
    """A network of the zoo. The zoo lies above training, so it hands over how to build the network.

    `config` is what `zoo.create(name, **config)` takes.
    """

    name: str
    config: dict[str, Any]
    factory: Callable[[], nn.Module] = field(compare=False, repr=False)

    def build(self) -> nn.Module:
        """Build it as the zoo does."""
        return self.factory()

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"kind": "zoo", "name": …, "config": …}``."""
        return {"kind": "zoo", "name": self.name, "config": dict(self.config)}


def network_config(size: SizeConfig, data: DataBundle) -> NetworkConfig:
    """Return the size of the network of a genotype together with what it must know of the data."""
    return NetworkConfig(
        channels=size.channels,
        layers=size.layers,
        stem=size.stem,
        num_classes=data.num_classes,
        image_shape=data.image_shape,
        mean=data.mean,
        std=data.std,
    )

"""How a model of the zoo is built at a size, and how many parameters it then has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wsrnas.errors import refuse
from wsrnas.networks.cells.robnet import robnet
from wsrnas.networks.resnet import ResNet
from wsrnas.networks.robust_resnet import RobustResNet
from wsrnas.networks.wide_resnet import WideResNet
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.zoo.card import Card

FIXED_DEPTH = ("resnet", "robust-resnet")
CIFAR_STEM_ONLY = ("wide-resnet", "robust-resnet")
UNITS = {"cells": "cells", "robnet": "cells", "robust-resnet": "blocks"}
"""What `layers` counts; elsewhere it is the depth in the network's name."""


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """A model with everything that decides its shape.

    Raises:
        InputError: sizes below 1, another depth than the one in the model's name, or a stem its family does not have.
    """

    card: Card
    channels: int
    layers: int
    stem: str
    num_classes: int
    image_shape: tuple[int, int, int]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        card = self.card
        if card.family in FIXED_DEPTH and self.layers != card.layers:
            remedy = f"leave it out, or give {card.layers}"
            refuse("layers", expected=f"nothing, the depth of {card.name} is part of its name", got=self.layers,
                   remedy=remedy)  # fmt: skip
        if min(self.num_classes, self.channels, self.layers, *self.image_shape) < 1:
            shown = f"{self.num_classes} classes, images {self.image_shape}, {self.channels} channels"
            refuse("create", expected="sizes of at least 1", got=f"{shown}, {self.layers} layers")
        if card.family in CIFAR_STEM_ONLY and self.stem != "cifar":
            refuse("stem", expected=f"'cifar', the only one of a {card.family}", got=repr(self.stem))

    @property
    def name(self) -> str:
        """The zoo's name of the model."""
        return self.card.name

    @property
    def from_card(self) -> bool:
        """Whether width, depth and stem are those of the card."""
        return (self.channels, self.layers, self.stem) == (self.card.channels, self.card.layers, self.card.stem)

    @property
    def size(self) -> str:
        """Width, depth and stem in words: `36 channels, 20 cells, cifar stem`."""
        unit = UNITS.get(self.card.family)
        depth = f"depth {self.layers}" if unit is None else f"{self.layers} {unit}"
        return f"{self.channels} channels, {depth}, {self.stem} stem"

    def genotype(self) -> Genotype:
        """Return the cells.

        Raises:
            InputError: a model of another family.
        """
        if self.card.family != "cells":
            got, remedy = f"{self.name!r}, a {self.card.family}", "those of family cells have one: `wsrnas zoo list`"
            refuse("model", expected="a model with a genotype", got=got, remedy=remedy)
        return Genotype.from_json(json.dumps(self.card.architecture), source=self.name)

    def config(self) -> NetworkConfig:
        """Return the size of a cell network, and what it must know of the data."""
        return NetworkConfig(
            channels=self.channels,
            layers=self.layers,
            num_classes=self.num_classes,
            image_shape=self.image_shape,
            mean=self.mean,
            std=self.std,
            stem=self.stem,
        )

    def arguments(self) -> dict[str, Any]:
        """Return what `zoo.create` builds this very network from, beside the name."""
        names = ("num_classes", "image_shape", "mean", "std", "channels", "layers", "stem")
        return {name: getattr(self, name) for name in names}

    def build(self) -> nn.Module:
        """Return the network with fresh weights, images (B,C,H,W) in [0,1] → logits (B, classes)."""
        family, architecture = self.card.family, self.card.architecture or {}
        common: dict[str, Any] = {
            "channels": self.channels,
            "num_classes": self.num_classes,
            "image_channels": self.image_shape[0],
            "mean": self.mean,
            "std": self.std,
        }
        if family == "cells":
            return DartsSpace().build(self.genotype(), self.config())
        if family == "robnet":
            return robnet(_split(architecture["codes"]), layers=self.layers, stem=self.stem, **common)
        if family == "wide-resnet":
            return WideResNet(depth=self.layers, **architecture, **common)
        if family == "robust-resnet":
            return RobustResNet(**architecture, **common)
        return ResNet(**architecture, stem=self.stem, **common)

    def parameters(self) -> int:
        """Return the number of parameters; no weights are drawn for it."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in self.build().parameters())


def _split(codes: Sequence[str]) -> list[list[str]]:
    return [code.split() for code in codes]

"""Every model of the paper's Tables 1, 2 and 4 by name, and some relatives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from torch import nn

from wsrnas.errors import nearest, refuse
from wsrnas.networks.resnet import ResNet
from wsrnas.networks.robnet import robnet
from wsrnas.networks.wide_resnet import WideResNet
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.zoo.card import Card


@cache
def _names() -> tuple[str, ...]:
    found = (entry.name for entry in files("wsrnas.zoo").joinpath("cards").iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def list_models(pattern: str = "*") -> list[str]:
    """Return the names that match a shell pattern such as `wsrnet-*`, in alphabetical order."""
    return [name for name in _names() if fnmatchcase(name, pattern)]


@cache
def card(name: str) -> Card:
    """Return what is known about a model.

    Raises:
        InputError: no model of that name; suggests the nearest.
    """
    if name not in _names():
        refuse("model", expected="a model of the zoo", got=repr(name), remedy=nearest(name, _names()))
    text = files("wsrnas.zoo").joinpath("cards").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return Card.from_dict(json.loads(text))


def genotype(name: str) -> Genotype:
    """Return the cells of a model that is made of cells.

    Raises:
        InputError: unknown name, unpublished cells, or a model of another family.
    """
    found = _buildable(name)
    if found.family != "cells":
        cells = ", ".join(n for n in _names() if card(n).family == "cells" and card(n).architecture is not None)
        refuse(
            "model", expected="a model with a genotype", got=f"{name!r}, a {found.family}", remedy=f"those are {cells}"
        )
    return Genotype.from_json(json.dumps(found.architecture), source=name)


def create(
    name: str,
    *,
    num_classes: int | None = None,
    image_shape: tuple[int, int, int] | None = None,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    channels: int | None = None,
    layers: int | None = None,
) -> nn.Module:
    """Build a model with fresh weights; what is not given is taken from its card.

    `channels` is the width of the first cell or stage, `layers` the number of cells, or the depth of a wide ResNet.
    The network maps images in [0,1] of shape (B,C,H,W) to logits (B, classes).

    Raises:
        InputError: unknown name, an architecture that was never published, or a depth the family does not allow.
    """
    found = _buildable(name)
    architecture = found.architecture or {}
    classes = found.num_classes if num_classes is None else num_classes
    shape = found.image_shape if image_shape is None else image_shape
    width = channels if channels is not None else found.channels or 0
    depth = layers if layers is not None else found.layers or 0
    if min(classes, width, *shape) < 1 or (depth < 1 and found.family != "resnet"):
        sizes = f"{classes} classes, images {shape}, {width} channels, {depth} layers"
        refuse("create", expected="sizes of at least 1", got=sizes)
    if found.family == "cells":
        config = NetworkConfig(
            channels=width,
            layers=depth,
            num_classes=classes,
            image_shape=shape,
            mean=tuple(mean),
            std=tuple(std),
            stem=found.stem,
        )
        return DartsSpace().build(genotype(name), config)
    if found.family == "robnet":
        codes = [code.split() for code in architecture["codes"]]
        return robnet(
            codes, channels=width, layers=depth, num_classes=classes, image_channels=shape[0], mean=mean, std=std
        )
    if found.family == "wide-resnet":
        return WideResNet(depth=depth, channels=width, num_classes=classes, image_channels=shape[0], mean=mean, std=std)
    if layers is not None:
        refuse("layers", expected=f"nothing, the depth of {name} is part of its name", got=layers)
    return ResNet(
        blocks=architecture["blocks"],
        bottleneck=architecture["bottleneck"],
        channels=width,
        num_classes=classes,
        image_channels=shape[0],
        mean=mean,
        std=std,
        stem=found.stem,
    )


def _buildable(name: str) -> Card:
    found = card(name)
    if found.architecture is None:
        refuse("model", expected="a model whose architecture was published", got=repr(name), remedy=found.notes)
    return found

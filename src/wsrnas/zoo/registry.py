"""Every model of the paper's Tables 1 to 4 by name, its relatives, and robust architectures published since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from torch import nn

from wsrnas.errors import refuse
from wsrnas.spaces.genotype import Genotype
from wsrnas.zoo.card import Card
from wsrnas.zoo.names import find_name, known_name, spellings
from wsrnas.zoo.settings import NetworkSettings
from wsrnas.zoo.trained import build_with, described_sizes, merged_sizes, weights_for


@cache
def _cards() -> dict[str, Card]:
    found = files("wsrnas.zoo").joinpath("cards").iterdir()
    texts = (entry.read_text(encoding="utf-8") for entry in found if entry.name.endswith(".json"))
    cards = (Card.from_dict(json.loads(text)) for text in texts)
    return {card.name: card for card in sorted(cards, key=lambda card: card.name)}


@cache
def _spellings() -> dict[str, str]:
    return spellings({card.name: (card.title, *card.aliases) for card in _cards().values()})


def list_models(pattern: str = "*") -> list[str]:
    """Return the names that match a shell pattern such as `wsrnet-*`, in alphabetical order."""
    return [name for name in _cards() if fnmatchcase(name, pattern.casefold().replace("_", "-"))]


def find(name: str, *, argument: str = "model", expected: str = "a model of the zoo") -> str:
    """Return the zoo's own name of a model from any spelling of it, or from another name of its card.

    Raises:
        InputError: no model of that name; suggests the nearest.
    """
    return find_name(name, _spellings(), argument=argument, expected=expected)


def knows(name: str) -> bool:
    """Say whether a text names a model of the zoo."""
    return known_name(name, _spellings()) is not None


def card(name: str) -> Card:
    """Return what is known about a model.

    Raises:
        InputError: no model of that name; suggests the nearest.
    """
    return _cards()[find(name)]


def genotype(name: str) -> Genotype:
    """Return the cells of a model that is made of cells.

    Raises:
        InputError: unknown name, unpublished cells, or a model of another family.
    """
    return network_settings(name).genotype()


def network_settings(
    name: str,
    *,
    num_classes: int | None = None,
    image_shape: tuple[int, int, int] | None = None,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    channels: int | None = None,
    layers: int | None = None,
    stem: str | None = None,
    argument: str = "model",
) -> NetworkSettings:
    """Return how a model is built, and how large it gets; what is not given is taken from its card.

    `channels` is the width of the first cell or stage, `layers` the number of cells, or the depth of a wide ResNet.

    Raises:
        InputError: unknown name, an architecture that was never published (names the search that makes such a one),
            or a size the family does not allow.
    """
    known = _cards()[find(name, argument=argument)]
    if known.architecture is None:
        remedy = f"{known.notes} `{known.search}` makes such a one" if known.search else known.notes
        refuse(argument, expected="a model whose architecture was published", got=repr(known.name), remedy=remedy)
    return NetworkSettings(
        card=known,
        num_classes=known.num_classes if num_classes is None else num_classes,
        image_shape=known.image_shape if image_shape is None else image_shape,
        mean=tuple(mean),
        std=tuple(std),
        channels=(known.channels or 0) if channels is None else channels,
        layers=(known.layers or 0) if layers is None else layers,
        stem=known.stem if stem is None else stem,
    )


def create(
    name: str,
    *,
    num_classes: int | None = None,
    image_shape: tuple[int, int, int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    channels: int | None = None,
    layers: int | None = None,
    stem: str | None = None,
    weights: str | Path | None = None,
) -> nn.Module:
    """Build a model at its card's size; arguments and errors are those of `network_settings`.

    The network maps images in [0,1] of shape (B,C,H,W) to logits (B, classes).

    Args:
        weights: None draws fresh ones. A file or folder that `wsrnas export` made, a network that comes with wsrnas, a
            run folder, or ``user/name`` of a hub: what is not given is then taken from it. A .safetensors or .pt file
            of tensors alone says no size. Loaded strictly, in eval mode.

    Raises:
        InputError: also where the weights are those of another network.
    """
    given: dict[str, Any] = {
        "num_classes": num_classes,
        "image_shape": image_shape,
        "mean": mean,
        "std": std,
        "channels": channels,
        "layers": layers,
        "stem": stem,
    }
    if weights is None:
        return network_settings(name, **{key: one for key, one in given.items() if one is not None}).build()
    found = weights_for(weights)
    settings = network_settings(name, **merged_sizes(given, described_sizes(found), found.source))
    return build_with(settings, found)

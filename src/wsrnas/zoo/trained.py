"""A model of the zoo with weights: its size taken from what comes with them, its architecture held against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from wsrnas.errors import refuse
from wsrnas.networks.activation import ACTIVATIONS, use_activation
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.genotype import Genotype
from wsrnas.typed import check_fields
from wsrnas.weights import Weights, find_weights, load_weights
from wsrnas.zoo.settings import NetworkSettings

REMEDY = "wsrnas.load builds what the weights themselves describe"
LARGEST = 65_536
SIZES = ("num_classes", "image_shape", "mean", "std", "channels", "layers", "stem")


def described_sizes(found: Weights) -> dict[str, Any]:
    """Return the settings of the network that weights say they belong to; nothing where they say nothing.

    Raises:
        InputError: a description of an ensemble, or one that is damaged.
    """
    if found.described is None:
        return {}
    config = found.described.get("config")
    if not isinstance(config, dict) or found.described.get("kind") not in ("zoo", "genotype"):
        got = f"{found.source}, which holds another kind of network"
        refuse("weights", expected="those of one network", got=got, remedy=REMEDY)
    check_fields(config, NetworkConfig, source=found.source, remedy=REMEDY)
    sizes = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items() if key in SIZES}
    numbers = (one for one in (*sizes.values(), *sizes.get("image_shape", ())) if isinstance(one, int))
    if any(not 0 <= number <= LARGEST for number in numbers):
        refuse(found.source, expected=f"sizes up to {LARGEST:,}", got=str(config)[:200], remedy=REMEDY)
    return sizes


def merged_sizes(given: dict[str, Any], own: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the settings that were given and those of the weights, which must agree where both say something."""
    for key, value in given.items():
        if value is not None and key in own and own[key] != (tuple(value) if isinstance(value, list) else value):
            remedy = "leave it out: the weights know their size"
            refuse(key, expected=f"{own[key]}, as in {source}", got=value, remedy=remedy)
    return {**own, **{key: value for key, value in given.items() if value is not None}}


def build_with(settings: NetworkSettings, found: Weights) -> nn.Module:
    """Return the network with its weights, loaded strictly, in eval mode.

    Raises:
        InputError: weights of another architecture or size; names what differs.
    """
    described = found.described or {}
    _check_architecture(settings, described, found.source)
    size = Path(found.file).stat().st_size
    if settings.parameters() > size:
        expected = f"the weights of {settings.name} ({settings.size})"
        refuse("weights", expected=expected, got=f"{found.source}, a file of {size:,} bytes", remedy=REMEDY)
    activation = described.get("activation", "relu")
    if activation not in ACTIVATIONS:
        refuse(found.source, expected=f"an activation among {', '.join(ACTIVATIONS)}", got=repr(activation))
    model = use_activation(settings.build(), activation)
    load_weights(model, found.file)
    return model.eval()


def _check_architecture(settings: NetworkSettings, described: dict[str, Any], source: str) -> None:
    if described.get("kind") == "zoo" and described.get("name") != settings.name:
        got = f"those of {described.get('name')} in {source}"
        refuse("weights", expected=f"weights of {settings.name}", got=got, remedy=REMEDY)
    if described.get("kind") == "genotype":
        genotype = Genotype.from_json(json.dumps(described.get("genotype")), source=source)
        if genotype.id != settings.genotype().id:
            got = f"those of the genotype {genotype.id} in {source}"
            refuse("weights", expected=f"weights of {settings.name}", got=got, remedy=REMEDY)


def weights_for(weights: str | Path) -> Weights:
    """Return the weights that a path, a shipped name or a hub's ``user/name`` stands for."""
    return find_weights(weights, argument="weights")

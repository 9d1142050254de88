"""Our networks as models of timm: ``wsrnas.zoo.timm.register()``, then ``timm.create_model("wsrnas_racl")``.

timm is asked for where it is installed and nothing else of wsrnas needs it. A name is ``wsrnas_`` and that of the zoo,
hyphens as underscores; a tag names weights that come with wsrnas: ``wsrnas_resnet_18.trades_digits``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from torch import nn

from wsrnas.errors import InputError, refuse
from wsrnas.weights import shipped
from wsrnas.zoo.registry import card, create, list_models, network_settings
from wsrnas.zoo.trained import described_sizes, weights_for

PREFIX = "wsrnas_"
TAKEN = ("num_classes", "in_chans", "img_size")
"""What timm calls the settings that decide a network's size."""


def registered() -> list[str]:
    """Return the names under which timm knows our networks: all of the zoo that can be built."""
    return [PREFIX + name.replace("-", "_") for name in list_models() if card(name).architecture is not None]


def build(name: str, *, pretrained: bool = False, pretrained_cfg: Any = None, **settings: Any) -> nn.Module:
    """Return a network of the zoo as timm's `create_model` calls for it, with the configuration timm reads of it.

    It maps images (B,C,H,W) in [0,1] to logits: normalisation is its first layer, so that configuration says mean 0 and
    standard deviation 1. What timm fills in for models of its own (`pretrained_cfg_overlay`, `cache_dir`) says nothing
    here.

    Args:
        name: of the zoo.
        pretrained: with weights that come with wsrnas; their size is then theirs.
        pretrained_cfg: which of them, the tag behind the name.
        settings: num_classes, in_chans and img_size as in timm; channels, layers, mean, std and stem of `zoo.create`.

    Raises:
        InputError: no such weights, or settings that the network does not have.
    """
    for unused in ("pretrained_cfg_overlay", "cache_dir"):
        settings.pop(unused, None)
    channels, size = settings.pop("in_chans", None), settings.pop("img_size", None)
    given = dict(settings)
    if channels is not None or size is not None:
        own = card(name).image_shape
        height, width = (size, size) if isinstance(size, int) else tuple(size or own[1:])
        given["image_shape"] = (channels or own[0], height, width)
    if unknown := sorted(set(given) - {"image_shape", "num_classes", "mean", "std", "channels", "layers", "stem"}):
        expected = f"{', '.join(TAKEN)} or what wsrnas.zoo.create takes"
        refuse(f"create_model: {unknown[0]}", expected=expected, got=repr(given[unknown[0]]))
    weights = _weights(name, pretrained_cfg) if pretrained else None
    model = create(name, **given, weights=weights)
    sizes = given if weights is None else described_sizes(weights_for(weights))
    settled = network_settings(name, **sizes)
    classes, shape = settled.num_classes, settled.image_shape
    config = {
        "architecture": PREFIX + name.replace("-", "_"),
        "num_classes": classes,
        "input_size": shape,
        "fixed_input_size": False,
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "mean": (0.0,) * shape[0],
        "std": (1.0,) * shape[0],
    }
    model.pretrained_cfg = model.default_cfg = config  # type: ignore[assignment]
    model.num_classes = classes  # type: ignore[assignment]
    return model


def _weights(name: str, tag: Any) -> str:
    found = shipped(name)
    wanted = [one for one in found if not isinstance(tag, str) or one.split(".", 1)[1] == tag.replace("_", "-")]
    if not wanted:
        known = ", ".join(one.split(".", 1)[1].replace("-", "_") for one in found)
        remedy = f"known tags: {known}" if found else "leave pretrained out, and train it"
        refuse(
            "pretrained",
            expected=f"weights of {name} that come with wsrnas",
            got=f"the tag {tag!r}" if isinstance(tag, str) else "none",
            remedy=remedy,
        )
    return wanted[0]


def _entry(name: str) -> Callable[..., nn.Module]:
    def entry(pretrained: bool = False, **settings: Any) -> nn.Module:
        return build(name, pretrained=pretrained, **settings)

    entry.__name__ = entry.__qualname__ = PREFIX + name.replace("-", "_")
    entry.__module__ = __name__
    entry.__doc__ = f"{card(name).title}, as in the zoo of wsrnas."
    return entry


def register() -> list[str]:
    """Tell timm of every network and return their names; calling it again changes nothing.

    Raises:
        InputError: timm is not installed.
    """
    try:
        registry = importlib.import_module("timm.models")
    except ImportError as error:
        raise InputError(f"wsrnas.zoo.timm: timm cannot be imported ({error}); pip install timm") from error
    for name in list_models():
        if card(name).architecture is not None:
            registry.register_model(_entry(name))
    return registered()

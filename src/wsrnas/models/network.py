"""Which network a run holds, as a value: `network.json` is written and read here and nowhere else."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wsrnas import rng, zoo
from wsrnas.data import DataBundle, Preprocessing
from wsrnas.errors import refuse
from wsrnas.files import is_file, read_object, write_json
from wsrnas.networks.activation import ACTIVATIONS, use_activation
from wsrnas.networks.ensemble import Ensemble
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.genotype import Genotype
from wsrnas.typed import check_fields, finite

FILE = "network.json"
REMEDY = "restore the file or train again"
MOST = {"channels": 65_536, "layers": 1_000, "num_classes": 1_000_000}
LARGEST_IMAGE = 65_536
MOST_MEMBERS = 64


@dataclass(frozen=True, kw_only=True)
class SizeConfig:
    """The size of the network of a genotype.

    Args:
        channels: C, channels of the first cell; of a network of stages, those of the stem, the unit of its widths.
        layers: number of cells (NAS-Bench-201: cells per stage); a network of stages has its own depth.
        stem: cifar, or imagenet for images of 224 pixels.
    """

    channels: int = 16
    layers: int = 8
    stem: str = "cifar"

    def __post_init__(self) -> None:
        for name in ("channels", "layers"):
            if getattr(self, name) < 1:
                refuse(f"network.{name}", expected="at least 1", got=getattr(self, name))


class NetworkSpec(ABC):
    """A network that can be built again, on any machine, from what `to_dict` says."""

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network, images (B,C,H,W) in [0,1] → logits; weights drawn from torch's global generator."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return JSON for `network.json`: `kind`, what identifies the network, and `config`, its size."""

    def contract(self) -> dict[str, Any]:
        """Return `num_classes` and `image_shape` (C,H,W): what the network answers and what it is asked."""
        config = self.to_dict()["config"]
        return {"num_classes": int(config["num_classes"]), "image_shape": tuple(config["image_shape"])}

    def initialise(self, seed: int) -> nn.Module:
        """Return the network with the weights that belong to the seed."""
        with rng.fixed_global_seed(seed, "train", "weights"):
            return self.build()

    def parameters(self) -> int:
        """Return the number of parameters; no weights are drawn for it."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in self.build().parameters())


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
    """A network of the zoo; `config` is what `zoo.create(name, **config)` takes."""

    name: str
    config: dict[str, Any]

    def build(self) -> nn.Module:
        """Build it as the zoo does."""
        return zoo.create(self.name, **self.config)

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"kind": "zoo", "name": …, "config": …}``."""
        return {"kind": "zoo", "name": self.name, "config": dict(self.config)}

    def contract(self) -> dict[str, Any]:
        """Return the contract; what the settings leave out is the card's."""
        card = zoo.card(self.name)
        classes = self.config.get("num_classes", card.num_classes)
        shape = self.config.get("image_shape", card.image_shape)
        return {"num_classes": int(classes), "image_shape": tuple(shape)}


def write_network(
    folder: Path,
    network: NetworkSpec,
    class_names: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
) -> None:
    """Write `network.json` of a run folder: how to build the network, what its logits are called, in order, and how
    pictures become its pixels.
    """
    beside: dict[str, Any] = {} if class_names is None else {"class_names": list(class_names)}
    beside |= {} if preprocessing is None else {"preprocessing": preprocessing.to_dict()}
    write_json(folder / FILE, {**network.to_dict(), **beside})


def read_class_names(folder: Path) -> tuple[str, ...] | None:
    """Return what the logits of a run's network are called; None where nobody said so.

    Raises:
        InputError: names that are no list of different texts.
    """
    return check_class_names(read_object(folder / FILE, remedy=REMEDY).get("class_names"), source=str(folder / FILE))


def check_class_names(names: Any, *, source: str) -> tuple[str, ...] | None:
    """Return the class names that a file gives; None where it gives none.

    Raises:
        InputError: names that are no list of different texts.
    """
    if names is None:
        return None
    if not isinstance(names, list) or len(set(map(str, names))) != len(names):
        refuse(f"{source}: class_names", expected="a list of different names", got=repr(names), remedy=REMEDY)
    return tuple(str(name) for name in names)


@dataclass(frozen=True, kw_only=True)
class ActivatedNetwork(NetworkSpec):
    """A network with another activation in place of every ReLU; the weights drawn for a seed are the same."""

    network: NetworkSpec
    activation: str

    def build(self) -> nn.Module:
        """Build the network, then exchange its activations, which refuses networks without a ReLU."""
        return use_activation(self.network.build(), self.activation)

    def to_dict(self) -> dict[str, Any]:
        """Return what the network says, with ``"activation"`` beside it."""
        return {**self.network.to_dict(), "activation": self.activation}


@dataclass(frozen=True, kw_only=True)
class EnsembleNetwork(NetworkSpec):
    """Several networks for the same images and classes that decide together, as one."""

    members: tuple[NetworkSpec, ...]

    def build(self) -> nn.Module:
        """Build every member, one after the other."""
        return Ensemble([member.build() for member in self.members])

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"kind": "ensemble", "members": […], "config": …}``; the config is what all members share."""
        members = [member.to_dict() for member in self.members]
        first, *others = (member["config"] for member in members)
        shared = {key: value for key, value in first.items() if all(key in o and o[key] == value for o in others)}
        return {"kind": "ensemble", "members": members, "config": shared}


def read_network(folder: Path) -> NetworkSpec:
    """Read `network.json` of a run folder.

    Raises:
        InputError: no such file, or one that is damaged or of another version.
    """
    path = folder / FILE
    if not is_file(path):
        remedy = "is it a finished `wsrnas train` run? A search run has a genotype but no trained network"
        refuse("run", expected=f"a folder with {FILE}", got=str(folder), remedy=remedy)
    return network_from(read_object(path, remedy=REMEDY), source=str(path))


def network_from(described: dict[str, Any], *, source: str) -> NetworkSpec:
    """Return the network that `NetworkSpec.to_dict` described; `source` is where the description comes from.

    Raises:
        InputError: a description that is damaged or of another version.
    """
    if "activation" in described:
        plain = {key: value for key, value in described.items() if key != "activation"}
        activation = described["activation"]
        if activation not in ACTIVATIONS:
            refuse(f"{source}: activation", expected=f"one of {', '.join(ACTIVATIONS)}", got=activation, remedy=REMEDY)
        return ActivatedNetwork(network=network_from(plain, source=source), activation=activation)
    for name, sort in (("kind", str), ("config", dict)):
        if not isinstance(described.get(name), sort):
            refuse(f"{source}: {name}", expected=f"a {sort.__name__}", got=described.get(name), remedy=REMEDY)
    kind, config = described["kind"], _with_tuples(described["config"])
    if kind == "ensemble":
        members = described.get("members")
        if not isinstance(members, list) or not 1 <= len(members) <= MOST_MEMBERS:
            expected = f"1 to {MOST_MEMBERS} networks"
            refuse(f"{source}: members", expected=expected, got=type(members).__name__, remedy=REMEDY)
        if not all(isinstance(member, dict) and "members" not in member for member in members):
            refuse(f"{source}: members", expected="networks that are no ensembles", got="others", remedy=REMEDY)
        found = tuple(network_from(member, source=source) for member in members)
        if len({tuple(member.contract().items()) for member in found}) != 1:
            refuse(source, expected="members of the same classes and images", got="others", remedy=REMEDY)
        return EnsembleNetwork(members=found)
    if kind not in ("genotype", "zoo"):
        refuse(source, expected="kind 'genotype', 'zoo' or 'ensemble'", got=kind, remedy="upgrade wsrnas")
    _check_config(config, source)
    if kind == "zoo":
        return NamedNetwork(name=zoo.find(str(described.get("name")), argument=source), config=config)
    genotype = Genotype.from_json(json.dumps(described.get("genotype")), source=source)
    return GenotypeNetwork(genotype=genotype, config=_network_config(config, source))


def network_config(size: SizeConfig, data: DataBundle) -> NetworkConfig:
    """Return the size of a cell network together with what it must know of the data."""
    return NetworkConfig(
        channels=size.channels,
        layers=size.layers,
        stem=size.stem,
        num_classes=data.num_classes,
        image_shape=data.image_shape,
        mean=data.mean,
        std=data.std,
    )


def _network_config(values: dict[str, Any], source: str) -> NetworkConfig:
    """Return the size that `network.json` gives."""
    known = {field.name for field in fields(NetworkConfig)}
    if unknown := sorted(set(values) - known):
        refuse(source, expected=f"settings among {', '.join(sorted(known))}", got=", ".join(map(str, unknown)))
    for field in fields(NetworkConfig):
        if field.default is MISSING and field.default_factory is MISSING and field.name not in values:
            refuse(source, expected=f"the setting '{field.name}'", got="none", remedy=REMEDY)
    return NetworkConfig(**values)


def _check_config(values: dict[str, Any], source: str) -> None:
    """Refuse sizes of another kind, or ones that no network has: building it could take all memory."""
    check_fields(values, NetworkConfig, source=source, remedy=REMEDY)
    for name in ("num_classes", "image_shape"):
        if name not in values:
            refuse(source, expected=f"the setting '{name}'", got="none", remedy=REMEDY)
    sizes = {name: values[name] for name in MOST if name in values}
    sizes |= dict(zip(("image channels", "image height", "image width"), values["image_shape"]))
    for name, size in sizes.items():
        most = MOST.get(name, LARGEST_IMAGE)
        if not 1 <= size <= most:
            refuse(f"{source}: {name}", expected=f"1 to {most:,}", got=size, remedy=REMEDY)
    channels = values["image_shape"][0]
    for name in ("mean", "std"):
        one = values.get(name, (1.0,))
        if len(one) not in (1, channels) or not finite(one) or (name == "std" and min(one) <= 0):
            expected = f"a finite number for each of {channels} channels" + (", above 0" if name == "std" else "")
            refuse(f"{source}: {name}", expected=expected, got=one, remedy=REMEDY)


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Undo what JSON did to tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

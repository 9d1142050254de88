"""From what a user calls an architecture to a network that can be trained."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wsrnas import zoo
from wsrnas.data import DataBundle
from wsrnas.errors import refuse
from wsrnas.models.network import GenotypeNetwork, NamedNetwork, NetworkSpec, SizeConfig, network_config
from wsrnas.spaces import known_genotypes
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.read import is_genotype_text, read_genotype

FORMS = "a zoo name, a genotype file or a search run"
LARGE = 96
"""Images of so many pixels a side are too large for a stem that keeps their resolution."""


def read_arch(arch: str) -> Genotype | str:
    """Return the genotype that `--arch` gives, or the zoo's own name of the model that it names; needs no data.

    `arch` is a zoo name in any spelling, a known architecture of a space, a genotype file, the folder of a search run,
    or published genotype text.

    Raises:
        InputError: nothing of that name (suggests the nearest), or an architecture that was never published.
    """
    if zoo.knows(arch) and not Path(arch).exists():
        return zoo.network_settings(arch, argument="--arch").name
    if is_genotype_text(arch):
        return read_genotype(arch)
    path = Path(arch)
    try:
        path = path / "genotype.json" if (folder := path.is_dir()) else path
        if path.is_file():
            return read_genotype(path)
    except OSError:  # a text longer than a file name may be
        refuse("--arch", expected=FORMS, got=f"{arch[:60]}…")
    if folder:
        refuse("--arch", expected="a search run with a genotype.json", got=arch, remedy="finish the search first")
    if path.suffix or "/" in arch:
        refuse("--arch", expected=FORMS, got=arch, remedy="check the path")
    known = known_genotypes()
    if arch not in known and (close := get_close_matches(arch, known, n=1, cutoff=0.8)):
        refuse("--arch", expected=FORMS, got=arch, remedy=f"did you mean {close[0]!r}?")
    return known[arch] if arch in known else zoo.find(arch, argument="--arch", expected=FORMS)


def network_spec(
    arch: Genotype | str, size: SizeConfig, data: DataBundle, *, said: Collection[str] = ()
) -> NetworkSpec:
    """Return the network of what `read_arch` reads, for the data of a training.

    Args:
        arch: a genotype, or text for `read_arch`.
        size: width, depth and stem of a genotype.
        said: the fields of `size` that the user set; a zoo name takes the others from its card.

    Raises:
        InputError: what `read_arch` refuses, or a size that the model's family does not have.
    """
    sizes = network_config(size, data)
    found = read_arch(arch) if isinstance(arch, str) else arch
    if isinstance(found, Genotype):
        return GenotypeNetwork(genotype=found, config=sizes)
    chosen: dict[str, Any] = {name: getattr(size, name) for name in said}
    settings = zoo.network_settings(
        found,
        num_classes=sizes.num_classes,
        image_shape=sizes.image_shape,
        mean=sizes.mean,
        std=sizes.std,
        **chosen,
    )
    if settings.card.family == "cells":
        return GenotypeNetwork(genotype=settings.genotype(), config=settings.config())
    return NamedNetwork(name=settings.name, config=settings.arguments())


def size_of(network: NetworkSpec, size: SizeConfig) -> SizeConfig:
    """Return the width, depth and stem that a network really has, for the settings its run folder keeps."""
    config = network.to_dict()["config"]
    return replace(size, **{name: config[name] for name in ("channels", "layers", "stem") if name in config})


def describe(arch: Genotype | str, network: NetworkSpec) -> str:
    """Return one line about the network of an `arch`: name, parameters, size, and the card's where it differs."""
    config = network.to_dict()["config"]
    size = {name: config[name] for name in ("channels", "layers", "stem")}
    counted = f"{network.parameters():,} parameters"
    if isinstance(arch, Genotype):
        sizes = f"{size['channels']} channels, {size['layers']} cells, {size['stem']} stem"
        return f"genotype {arch.id}, {counted} ({sizes})"
    settings = zoo.network_settings(arch, **size)
    line = f"{arch}, {counted} ({settings.size})"
    if not settings.from_card:
        line += f"; its card has {zoo.network_settings(arch).size}"
    large = f"{arch}-imagenet"
    if settings.stem == "cifar" and config["image_shape"][1] >= LARGE and zoo.knows(large):
        line += f"; {large} has a stem for such images"
    return line

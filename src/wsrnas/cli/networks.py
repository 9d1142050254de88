"""From what a user calls an architecture to a network that can be trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsrnas import zoo
from wsrnas.data import DataBundle
from wsrnas.errors import InputError, nearest, refuse
from wsrnas.spaces.read import read_genotype
from wsrnas.spaces.registry import known_genotypes
from wsrnas.training.config import TrainConfig
from wsrnas.training.network import GenotypeNetwork, NamedNetwork, NetworkSpec, network_config


def network_spec(arch: str, config: TrainConfig, data: DataBundle) -> NetworkSpec:
    """Return the network that `--arch` names, at the size and for the data of a training.

    `arch` is a zoo name, a known architecture of a space, a genotype file, the folder of a search run, or published
    genotype text. A cell network takes the recipe's width and depth, a network of stages its width; a fixed network
    (ResNet, WRN, RobNet) its own.

    Raises:
        InputError: nothing of that name (suggests the nearest).
    """
    sizes = network_config(config.network, data)
    path = Path(arch)
    if path.is_dir():
        path = path / "genotype.json"
        if not path.is_file():
            refuse("--arch", expected="a search run with a genotype.json", got=arch, remedy="finish the search first")
    if path.is_file() or "|" in arch or "(" in arch:
        return GenotypeNetwork(genotype=read_genotype(str(path) if path.is_file() else arch), config=sizes)
    known = known_genotypes()
    if arch in known:
        return GenotypeNetwork(genotype=known[arch], config=sizes)
    if arch not in zoo.list_models():
        expected = "a zoo name, a genotype file or a search run"
        refuse("--arch", expected=expected, got=arch, remedy=nearest(arch, [*zoo.list_models(), *known]))
    try:
        return GenotypeNetwork(genotype=zoo.genotype(arch), config=sizes)
    except InputError:
        settings: dict[str, Any] = {
            "num_classes": sizes.num_classes,
            "image_shape": sizes.image_shape,
            "mean": sizes.mean,
            "std": sizes.std,
        }
        return NamedNetwork(name=arch, config=settings, factory=lambda: zoo.create(arch, **settings))

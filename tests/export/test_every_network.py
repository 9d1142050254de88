"""Every network of the zoo and of every space goes into every format; a few by default, all of them in slow tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import save_file

import wsrnas
from wsrnas import rng, zoo
from wsrnas.data import Preprocessing
from wsrnas.models.network import (
    ActivatedNetwork,
    EnsembleNetwork,
    GenotypeNetwork,
    NamedNetwork,
    NetworkSpec,
    write_network,
)
from wsrnas.spaces import SPACES, NetworkConfig, get_space

SHAPE = (1, 16, 16)
SIZE = NetworkConfig(channels=4, layers=3, num_classes=3, image_shape=SHAPE, mean=(0.3,), std=(0.4,))
FIXED = {"resnet": None, "robust-resnet": None, "wide-resnet": 10}
FORMATS = ("torch-export", "onnx")


def named(name: str) -> NetworkSpec:
    card = zoo.card(name)
    layers = FIXED.get(card.family, 2)
    small: dict[str, object] = {"num_classes": 3, "image_shape": SHAPE, "mean": (0.3,), "std": (0.4,), "channels": 4}
    if card.family == "robust-resnet":
        small["channels"] = 16
    return NamedNetwork(name=name, config=small | ({} if layers is None else {"layers": layers}))


def of_space(space: str) -> NetworkSpec:
    return GenotypeNetwork(genotype=get_space(space).sample(rng.stream(0, "export")), config=SIZE)


def exports(network: NetworkSpec, folder: Path) -> None:
    run = folder / "run"
    run.mkdir()
    save_file(network.initialise(0).state_dict(), run / "model.safetensors")
    write_network(run, network, ("a", "b", "c"), Preprocessing())
    for name, file in zip(FORMATS, ("net.pt2", "net.onnx")):
        found = wsrnas.export(run, name, out=folder / file, limit=8, strength="8/255").parity
        assert found.white.images == 8
        assert wsrnas.load(folder / file).class_names == ("a", "b", "c")


BUILT = [name for name in zoo.list_models() if zoo.card(name).architecture is not None]


@pytest.mark.long
@pytest.mark.parametrize("name", BUILT)
def test_every_network_of_the_zoo_exports(name: str, tmp_path: Path) -> None:
    exports(named(name), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("space", SPACES.names())
def test_every_space_exports(space: str, tmp_path: Path) -> None:
    exports(of_space(space), tmp_path)


@pytest.mark.long
def test_ensembles_and_other_activations_export(tmp_path: Path) -> None:
    smooth = ActivatedNetwork(network=of_space("nb201"), activation="silu")
    exports(EnsembleNetwork(members=(smooth, of_space("darts"))), tmp_path)


def test_a_small_one_of_each_kind_exports(tmp_path: Path) -> None:
    exports(ActivatedNetwork(network=of_space("nb201"), activation="silu"), tmp_path)

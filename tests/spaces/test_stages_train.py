"""From a name or a file to a trained network that evaluation loads, and to the formats that others read."""

import io
from dataclasses import replace

import pytest
import torch

from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.models.load import load_run
from wsrnas.models.named import network_spec
from wsrnas.models.network import SizeConfig
from wsrnas.networks.stages.blocks import KINDS
from wsrnas.networks.stages.style import NORMALISATIONS, ORDERS
from wsrnas.parts import PartConfig
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.runtime import RuntimeConfig
from wsrnas.spaces import NetworkConfig, StageSpace
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.train import train

SPACE = StageSpace()
CONFIG = TrainConfig(
    data=DataConfig(name="digits", valid_fraction=0.2, train_limit=64),
    network=SizeConfig(channels=2, layers=3),
    loss=PartConfig(name="pgd", settings={"eps": 0.1, "steps": 1}),
    selection=SelectionConfig(steps=1),
    runtime=RuntimeConfig(device="cpu"),
    epochs=1,
    batch_size=32,
)


@pytest.fixture(scope="module")
def data():
    return load_data(CONFIG.data, CONFIG.seed)


def test_a_known_network_is_trained_by_name_and_loaded_again(data, tmp_path):
    spec = network_spec("stages-principled", CONFIG.network, data)
    train(CONFIG, spec, tmp_path / "run", data=data)
    loaded = load_run(tmp_path / "run")
    images, _ = data.valid.fetch(torch.arange(4))
    assert loaded(images).shape == (4, 10)
    assert sum(p.numel() for p in loaded.parameters()) == SPACE.parameters(spec.genotype, spec.config)
    assert spec.config.channels == 2


def test_a_genotype_file_is_trained_as_any_other(data, tmp_path):
    genotype = SPACE.sample(stream(0, "file"))
    path = tmp_path / "genotype.json"
    path.write_text(genotype.to_json())
    assert network_spec(str(path), CONFIG.network, data).genotype == genotype
    with pytest.raises(InputError, match=r"^--arch: expected .*, got stages-scale; did you mean 'stages-scaled'\?$"):
        network_spec("stages-scale", CONFIG.network, data)


def kinds_in_turn():
    """Every kind, order, normalisation, stem and activation at least once."""
    for index, kind in enumerate(KINDS):
        genotype = SPACE.sample(stream(index, "export"))
        stages = tuple(replace(stage, block=kind, depth=1, squeeze=bool(index % 2)) for stage in genotype.stages)
        order, normalisation = ORDERS[index % 2], NORMALISATIONS[index // 2]
        stem, activation = SPACE.stem[index % 3], SPACE.activation[index % 3]
        yield replace(
            genotype, stages=stages, order=order, normalisation=normalisation, stem=stem, activation=activation
        )


@pytest.mark.parametrize("genotype", list(kinds_in_turn()), ids=lambda genotype: genotype.stages[0].block)
def test_networks_export_with_any_number_of_images(genotype):
    config = NetworkConfig(channels=4, layers=1, num_classes=3, image_shape=(1, 7, 8), mean=(0.4,), std=(0.3,))
    with fixed_global_seed(0):
        network = SPACE.build(genotype, config).eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    images = torch.rand(2, 1, 7, 8, generator=stream(0, "images"))
    exported = torch.export.export(network, (images,), dynamic_shapes={"images": {0: batch}})
    buffer = io.BytesIO()
    torch.export.save(exported, buffer)
    again = torch.export.load(io.BytesIO(buffer.getvalue())).module()
    for count in (1, 2, 5):
        some = torch.rand(count, 1, 7, 8, generator=stream(count, "images"))
        assert torch.allclose(again(some), network(some), atol=1e-5)

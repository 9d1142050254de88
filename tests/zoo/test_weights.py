"""Models of the zoo with weights: shipped ones, files and folders, loaded strictly or refused by name."""

import pytest
import torch
from safetensors.torch import save_file

import wsrnas
from wsrnas import zoo
from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.weights import shipped, shipped_folder

SMALL = {"num_classes": 3, "image_shape": (1, 8, 8), "channels": 2, "layers": 3}


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_network_knows_digits(name):
    model = wsrnas.load(name)
    images, labels = next(load_data(DataConfig(name="digits")).test.batches(100))
    with torch.no_grad():
        assert float((model(images).argmax(1) == labels).float().mean()) > 0.9
    assert model.description.data["name"] == "digits"
    built = zoo.create(name.split(".")[0], weights=name)
    assert torch.equal(built(images[:3]), model(images[:3]))
    assert not built.training


def test_the_shipped_networks_are_small_and_each_has_a_card_with_its_curve():
    assert shipped()
    assert sum(file.stat().st_size for name in shipped() for file in shipped_folder(name).iterdir()) < 2**20
    for name in shipped():
        text = (shipped_folder(name) / "README.md").read_text()
        for part in ("model-index", "strict protocol", "interval", "seed: 0", "strength", "Licence: mit"):
            assert part in text, (name, part)
        assert zoo.card(name.split(".")[0]).to_dict()["weights"] == list(shipped(name.split(".")[0]))


def test_tensors_alone_fit_a_size_that_is_given(tmp_path):
    torch.manual_seed(0)
    original = zoo.create("advrush", **SMALL).eval()
    save_file(original.state_dict(), tmp_path / "net.safetensors")
    torch.save({"state_dict": original.state_dict()}, tmp_path / "net.pt")
    images = torch.rand(2, 1, 8, 8)
    for name in ("net.safetensors", "net.pt"):
        assert torch.equal(zoo.create("AdvRush", **SMALL, weights=tmp_path / name)(images), original(images))
    with pytest.raises(InputError, match="--weights: expected the network's own tensors"):
        zoo.create("advrush", **{**SMALL, "num_classes": 4}, weights=tmp_path / "net.safetensors")
    with pytest.raises(InputError, match=r"the weights of advrush \(36 channels"):
        zoo.create("advrush", weights=tmp_path / "net.safetensors")
    with pytest.raises(InputError, match="tensors alone"):
        wsrnas.load(tmp_path / "net.safetensors")


def test_weights_of_another_network_or_size_are_refused():
    name = shipped("resnet-18")[0]
    with pytest.raises(InputError, match=r"weights: expected weights of racl, got those of resnet-18"):
        zoo.create("racl", weights=name)
    with pytest.raises(InputError, match=r"channels: expected 4, as in resnet-18\..*, got 45"):
        zoo.create("resnet-18", channels=45, weights=name)
    with pytest.raises(InputError, match=r"weights: expected a \.safetensors or \.pt file.*with wsrnas come"):
        zoo.create("racl", weights="nothing")


def test_a_name_without_weights_says_which_have_some():
    with pytest.raises(InputError, match="a network with weights, got advrush, which has none"):
        wsrnas.load("advrush")

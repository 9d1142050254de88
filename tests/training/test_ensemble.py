"""Several networks for bands of strengths, trained, kept, loaded and evaluated as one."""

import json
import math
from dataclasses import replace

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import nn

from wsrnas.attacks import PGD
from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.models.load import load_run
from wsrnas.models.network import EnsembleNetwork, GenotypeNetwork, SizeConfig, read_network
from wsrnas.networks.ensemble import Ensemble
from wsrnas.parts import PartConfig
from wsrnas.runtime import RuntimeConfig
from wsrnas.spaces import get_space
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.ensemble import member_configs
from wsrnas.training.throughput import estimate_passes
from wsrnas.training.train import train

CONFIG = TrainConfig(
    recipe="tiny",
    data=DataConfig(name="digits", valid_fraction=0.2, train_limit=64),
    network=SizeConfig(channels=2, layers=1),
    loss=PartConfig(name="multi", settings={"steps": 1}),
    bands="0.02,0.05; 0.1",
    selection=SelectionConfig(steps=1, images=60),
    runtime=RuntimeConfig(device="cpu"),
    epochs=2,
    batch_size=32,
)
GENOTYPE = get_space("nb201").sample(torch.Generator().manual_seed(0))
FILES = ("model.safetensors", "network.json", "result.json")


@pytest.fixture(scope="module")
def data():
    return load_data(CONFIG.data, CONFIG.seed)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("ensemble") / "run"
    return train(CONFIG, GENOTYPE, path, data=data)


def test_probabilities_are_averaged():
    torch.manual_seed(0)
    members = [nn.Sequential(nn.Flatten(), nn.Linear(12, 3)) for _ in range(3)]
    images = torch.rand(5, 3, 2, 2)
    mean = torch.stack([member(images).softmax(1) for member in members]).mean(0)
    together = Ensemble(members)(images)
    torch.testing.assert_close(together.softmax(1), mean)
    torch.testing.assert_close(together.exp(), mean)


def test_gradients_reach_a_member_where_another_is_sure():
    class Fixed(nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.scale = scale

        def forward(self, images):
            first = images.mean((1, 2, 3)) * self.scale
            return torch.stack([first, -first], dim=1)

    images = torch.full((2, 1, 2, 2), 0.7, requires_grad=True)
    logits = Ensemble([Fixed(1e4), Fixed(1.0)])(images)
    assert torch.isfinite(logits).all()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(logits, torch.tensor([1, 1])), images)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).all()


def test_each_member_is_a_training_of_its_own(trained, data):
    settings = [yaml.safe_load((one.path / "config.yaml").read_text()) for one in trained.members]
    assert [one["loss"]["settings"] for one in settings] == [
        {"steps": 1, "strengths": [0.02, 0.05]},
        {"steps": 1, "strengths": [0.1]},
    ]
    assert [one["bands"] for one in settings] == [None, None]
    assert [one.strength for one in trained.members] == [0.05, 0.1]
    assert trained.strength == 0.1
    alone = train(member_configs(CONFIG)[1], GENOTYPE, trained.path.parent / "alone", data=data)
    assert (
        load_file(alone.path / "model.safetensors").keys()
        == load_file(trained.members[1].path / "model.safetensors").keys()
    )
    assert (alone.path / "model.safetensors").read_bytes() == (
        trained.members[1].path / "model.safetensors"
    ).read_bytes()


def test_it_is_kept_and_loaded_as_one(trained, data):
    described = json.loads((trained.path / "network.json").read_text())
    assert described["kind"] == "ensemble"
    assert [member["kind"] for member in described["members"]] == ["genotype", "genotype"]
    assert described["config"]["num_classes"] == 10
    network = read_network(trained.path)
    assert isinstance(network, EnsembleNetwork)
    assert all(isinstance(member, GenotypeNetwork) for member in network.members)
    model, members = load_run(trained.path), [load_run(one.path) for one in trained.members]
    images, labels = data.valid.fetch(torch.arange(60))
    with torch.no_grad():
        expected = torch.stack([member(images).softmax(1) for member in members]).mean(0)
        torch.testing.assert_close(model(images).exp(), expected)
        assert (model(images).argmax(1) == labels).float().mean().item() == pytest.approx(trained.held_out_accuracy)
    assert trained.parameters == sum(one.parameters for one in trained.members)
    adversarial = PGD(eps=0.1, steps=2)(model, images, labels)
    assert (adversarial - images).abs().max() <= 0.1 + 1e-6


def test_its_settings_and_result_say_what_it_is(trained):
    result = json.loads((trained.path / "result.json").read_text())
    assert len(result["members"]) == 2
    assert [one["epoch"] for one in result["members"]] == [one.epoch for one in trained.members]
    assert "2 networks that decide together, epochs" in str(trained)
    stored = yaml.safe_load((trained.path / "config.yaml").read_text())
    assert stored["bands"] == CONFIG.bands
    assert stored["trains"]["kind"] == "ensemble"


def test_it_resumes_in_the_middle_of_a_member(trained, data, tmp_path, monkeypatch):
    from wsrnas.training import single

    epochs = {"left": 3}
    whole_epoch = single._one_epoch

    def stopped(*arguments):
        epochs["left"] -= 1
        if epochs["left"] < 0:
            raise KeyboardInterrupt
        whole_epoch(*arguments)

    monkeypatch.setattr(single, "_one_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, GENOTYPE, tmp_path / "run", data=data)
    assert not (tmp_path / "run" / "model.safetensors").exists()
    monkeypatch.undo()
    train(CONFIG, GENOTYPE, tmp_path / "run", data=data)
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (trained.path / name).read_bytes()


def test_it_goes_on_with_more_epochs(data, tmp_path):
    short = replace(CONFIG, epochs=1)
    train(short, GENOTYPE, tmp_path / "run", data=data)
    longer = train(replace(CONFIG, epochs=2), GENOTYPE, tmp_path / "run", data=data)
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["epochs"] == 2
    for one in longer.members:
        assert yaml.safe_load((one.path / "config.yaml").read_text())["epochs"] == 2
        assert len((one.path / "metrics.jsonl").read_text().splitlines()) == 2


def test_other_bands_in_the_same_folder_are_refused(trained, data):
    with pytest.raises(InputError, match="others for bands"):
        train(replace(CONFIG, bands="0.02; 0.1"), GENOTYPE, trained.path, data=data)


def test_cost_is_that_of_every_member(data):
    counted = [estimate_passes(member, 64, 287) for member in member_configs(CONFIG)]
    together = estimate_passes(CONFIG, 64, 287)
    assert together["training"] == sum(one["training"] for one in counted) == 2 * 2 * 32 * (2 * 4 + 4)
    last = 60 * (2 + 2 * 1)
    assert together["held-out measurement"] == sum(one["held-out measurement"] for one in counted) + last
    assert math.isclose(last, 240)

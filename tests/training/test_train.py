"""A whole training on digits: what it leaves, how it resumes, and what it says when something is wrong."""

import errno
import json
from dataclasses import replace

import pytest
import torch
import yaml
from safetensors.torch import load_file
from tests.training.made_network import MadeNetwork
from torch import nn

from wsrnas import files
from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.models.load import load_run
from wsrnas.models.network import GenotypeNetwork, SizeConfig
from wsrnas.parts import PartConfig
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.spaces import NetworkConfig, get_space
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.held_out import measure_held_out
from wsrnas.training.losses import FreeAT
from wsrnas.training.train import train

CONFIG = TrainConfig(
    data=DataConfig(name="digits", valid_fraction=0.2, train_limit=128),
    loss=PartConfig(name="pgd", settings={"eps": 0.1, "steps": 1}),
    selection=SelectionConfig(steps=2),
    runtime=RuntimeConfig(device="cpu"),
    epochs=3,
    batch_size=32,
    checkpoint_every=3,
)


@pytest.fixture(scope="module")
def data():
    return load_data(CONFIG.data, CONFIG.seed)


@pytest.fixture
def network(tiny_network):
    return MadeNetwork(name="tiny", factory=lambda: tiny_network(10, channels=1, seed=torch.initial_seed()))


@pytest.fixture
def run(data, network, tmp_path):
    def start(config=CONFIG, name="run", network=network, data=data):
        return train(config, network, tmp_path / name, data=data)

    return start


def test_leaves_a_network_that_evaluation_can_load(run, data, tmp_path):
    genotype = get_space("nb201").sample(torch.Generator().manual_seed(0))
    config = replace(CONFIG, network=SizeConfig(channels=4, layers=1), epochs=1)
    result = run(config, network=genotype)
    path = tmp_path / "run"
    assert result.path == path
    assert result.epoch == 1
    described = json.loads((path / "network.json").read_text())
    assert described["kind"] == "genotype"
    sizes = {key: tuple(value) if isinstance(value, list) else value for key, value in described["config"].items()}
    assert NetworkConfig(**sizes).mean == data.mean
    model = get_space("nb201").build(genotype, NetworkConfig(**sizes))
    model.load_state_dict(load_file(path / "model.safetensors"))
    images, labels = data.valid.fetch(torch.arange(len(data.valid)))
    with torch.no_grad():
        accuracy = (model.eval()(images).argmax(1) == labels).float().mean().item()
    assert accuracy == pytest.approx(result.held_out_accuracy)
    names = {item.name for item in path.iterdir() if not item.name.startswith(".")}
    assert names == {
        "config.yaml", "env.json", "metrics.jsonl", "timings.jsonl", "checkpoints", "model.safetensors", "network.json",
        "result.json", "budget.json",
    }  # fmt: skip
    assert {item.name for item in (path / "checkpoints").iterdir()} <= {"last.pt", "previous.pt", "best.pt"}


def test_never_reads_the_test_set(run, data):
    def load_part(name):
        assert name != "test", "the test set was read"
        return getattr(data, name)

    run(replace(CONFIG, epochs=1), data=replace(data, load_part=load_part))


def test_keeps_the_best_epoch_on_held_out_data(run, tmp_path):
    result = run(replace(CONFIG, epochs=5))
    lines = files.read_lines(tmp_path / "run" / "metrics.jsonl")
    robust = [line["held_out_robust_accuracy"] for line in lines]
    assert result.epoch == 1 + robust.index(max(robust))
    assert result.held_out_robust_accuracy == max(robust)
    assert [line["kept"] for line in lines] == [value > max([-1, *robust[:i]]) for i, value in enumerate(robust)]


def test_the_last_epoch_can_be_kept_without_held_out_data(run, data):
    config = replace(CONFIG, data=replace(CONFIG.data, valid_fraction=0.0), selection=SelectionConfig(by="last"))
    result = run(config, data=load_data(config.data, 0))
    assert result.epoch == 3
    assert result.held_out_accuracy is None


def test_measures_every_so_many_epochs_and_after_the_last(run, tmp_path):
    run(replace(CONFIG, selection=SelectionConfig(every=2, steps=1, images=50)))
    lines = files.read_lines(tmp_path / "run" / "metrics.jsonl")
    assert [line["held_out_accuracy"] is not None for line in lines] == [False, True, True]


def test_the_learning_rate_follows_the_schedule(run, tmp_path):
    run(replace(CONFIG, schedule=PartConfig(name="step", settings={"milestones": [1, 2]})))
    rates = [line["learning_rate"] for line in files.read_lines(tmp_path / "run" / "metrics.jsonl")]
    assert rates == pytest.approx([0.1, 0.01, 0.001])


def test_a_finished_run_is_not_trained_again(run, tmp_path, monkeypatch):
    first = run()
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    monkeypatch.setattr("wsrnas.training.single.train_epoch", None)
    assert run() == first
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before


def test_other_settings_or_another_network_are_refused(run, tiny_network):
    run(replace(CONFIG, epochs=2))
    with pytest.raises(InputError, match=r"epochs \(was 2, now 1\); choose another --out"):
        run(replace(CONFIG, epochs=1))
    with pytest.raises(InputError, match=r"batch_size \(was 32, now 16\), epochs \(was 2, now 3\); choose another"):
        run(replace(CONFIG, epochs=3, batch_size=16))
    other = MadeNetwork(name="other", factory=tiny_network)
    with pytest.raises(InputError, match=r"trains.name \(was 'tiny', now 'other'\)"):
        run(replace(CONFIG, epochs=2), network=other)


def test_other_data_are_refused(run):
    run(replace(CONFIG, epochs=1))
    with pytest.raises(InputError, match="data: expected the images that this run was started with, got others"):
        run(replace(CONFIG, epochs=1), data=load_data(CONFIG.data, 1))


@pytest.mark.parametrize("name", ["last", "best"])
def test_a_truncated_checkpoint_names_the_remedy(run, tmp_path, name):
    run()
    checkpoint = tmp_path / "run" / "checkpoints" / f"{name}.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    remedy = "to go on: mv .*previous.pt .*last.pt" if name == "last" else "train again with another --out"
    with pytest.raises(InputError, match=rf"{name}.pt: the checkpoint is damaged.*{remedy}"):
        run()


def test_following_that_remedy_gives_the_same_network(run, tmp_path):
    run()
    folder = tmp_path / "run"
    expected = (folder / "model.safetensors").read_bytes(), (folder / "metrics.jsonl").read_bytes()
    (folder / "checkpoints" / "previous.pt").replace(folder / "checkpoints" / "last.pt")
    run()
    assert ((folder / "model.safetensors").read_bytes(), (folder / "metrics.jsonl").read_bytes()) == expected


def test_a_full_disk_loses_nothing(run, tmp_path, monkeypatch):
    run(name="whole")
    writes = {"left": 6}
    write = files.os.fsync

    def fsync(handle):
        writes["left"] -= 1
        if writes["left"] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(handle)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(InputError, match="the disk is full; what was written before is intact"):
        run()
    assert torch.load(tmp_path / "run" / "checkpoints" / "last.pt", weights_only=True)["state"]["step"] > 0
    assert not list((tmp_path / "run").rglob("*.tmp"))
    monkeypatch.undo()
    run()
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_more_epochs_go_on_where_it_stood(run, tmp_path):
    constant = replace(CONFIG, schedule=PartConfig(name="constant"))
    whole = run(replace(constant, epochs=4), name="whole")
    run(replace(constant, epochs=2))
    folder = tmp_path / "run"
    longer = run(replace(constant, epochs=4))
    assert longer == replace(whole, path=folder)
    for name in ("model.safetensors", "metrics.jsonl", "config.yaml", "result.json"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert json.loads((folder / "extended.json").read_text()) == [{"epochs_before": 2, "epochs": 4, "from_epoch": 3}]
    assert not (tmp_path / "whole" / "extended.json").exists()
    assert run(replace(constant, epochs=4)) == longer


def test_going_on_can_be_killed_too(run, tmp_path, monkeypatch):
    """Between the note of it and the new settings, or later: the same command ends as if nothing had happened."""
    run(replace(CONFIG, epochs=1), name="whole")
    run(replace(CONFIG, epochs=3), name="whole")
    run(replace(CONFIG, epochs=1))
    with monkeypatch.context() as patched:
        patched.setattr("wsrnas.training.folder.yaml.safe_dump", None)
        with pytest.raises(TypeError):
            run(replace(CONFIG, epochs=3))
    with monkeypatch.context() as patched:
        patched.setattr("wsrnas.training.single.measure_held_out", None)
        with pytest.raises(TypeError):
            run(replace(CONFIG, epochs=3))
    run(replace(CONFIG, epochs=3))
    for name in ("model.safetensors", "metrics.jsonl", "config.yaml", "extended.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_with_settings_by_their_old_names_is_refused(run, tmp_path):
    run(replace(CONFIG, epochs=1))
    settings = tmp_path / "run" / "config.yaml"
    stored = yaml.safe_load(settings.read_text())
    stored["loss"] = {"name": "pgd", "eps": 0.1, "steps": 1, "beta": None}
    settings.write_text(yaml.safe_dump(stored))
    message = (
        r"run/config.yaml, written by an earlier version: expected the setting loss.settings.eps, got its old name "
        r"loss.eps; choose another --out$"
    )
    with pytest.raises(InputError, match=message):
        run(replace(CONFIG, epochs=1))


def test_a_batch_of_one_value_per_channel_is_refused_before_anything_is_written(run, tiny_network, tmp_path):
    shrinking = nn.Sequential(nn.Conv2d(1, 2, 8), nn.BatchNorm2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(2, 10))
    network = MadeNetwork(name="shrinking", factory=lambda: shrinking)
    state, weights = torch.get_rng_state(), [tensor.clone() for tensor in shrinking.state_dict().values()]
    message = (
        "batch_size: expected at least 2 images, because BatchNorm sees a single value per channel in one image of "
        "8x8, got 1 image of 8x8 pixels a batch; use at least --batch_size 2"
    )
    with pytest.raises(InputError, match=message):
        run(replace(CONFIG, batch_size=1), network=network)
    assert not (tmp_path / "run").exists()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(*pair) for pair in zip(shrinking.state_dict().values(), weights))
    assert all(weight.requires_grad for weight in shrinking.parameters())
    assert not shrinking[1]._forward_pre_hooks


def test_a_batch_of_one_is_fine_where_every_layer_sees_more(run, network, data, tmp_path):
    """Without BatchNorm, with it where the images are still large, and where the loss makes several images of one."""
    few = replace(CONFIG, epochs=1, batch_size=1, data=replace(CONFIG.data, train_limit=10))
    run(few, data=load_data(few.data, 0))
    shrinking = nn.Sequential(nn.Conv2d(1, 2, 8), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 10))
    several = PartConfig(name="multi", settings={"strengths": "0.05,0.1", "steps": 1})
    run(
        replace(few, loss=several),
        name="several",
        network=MadeNetwork(name="shrinking", factory=lambda: shrinking),
        data=load_data(few.data, 0),
    )


def test_silu_takes_the_place_of_every_relu_and_of_nothing_else(run, data, tmp_path):
    genotype = get_space("nb201").sample(torch.Generator().manual_seed(0))
    config = replace(CONFIG, network=SizeConfig(channels=4, layers=1), epochs=1)
    for activation in ("relu", "silu"):
        run(replace(config, activation=activation), network=genotype, name=activation)
    models = [load_run(tmp_path / activation) for activation in ("relu", "silu")]
    kinds = [[type(module) for module in model.modules()] for model in models]
    assert nn.ReLU in kinds[0]
    assert [nn.SiLU if kind is nn.ReLU else kind for kind in kinds[0]] == kinds[1]
    assert json.loads((tmp_path / "silu" / "network.json").read_text())["activation"] == "silu"
    with torch.no_grad():
        images, labels = data.valid.fetch(torch.arange(len(data.valid)))
        accuracy = (models[1](images).argmax(1) == labels).float().mean().item()
    assert accuracy == pytest.approx(json.loads((tmp_path / "silu" / "result.json").read_text())["held_out_accuracy"])


def test_a_network_without_relu_cannot_have_another_activation(run, tmp_path):
    linear = MadeNetwork(name="linear", factory=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))
    with pytest.raises(InputError, match="activation: expected a network with ReLU layers to turn into silu"):
        run(replace(CONFIG, activation="silu"), network=linear)
    assert not (tmp_path / "run").exists()


def test_free_training_resumes_with_its_noise(run, tmp_path, monkeypatch):
    config = replace(CONFIG, loss=PartConfig(name="free", settings={"eps": 0.1, "replays": 2}), epochs=2)
    run(config, name="whole")
    count = {"updates": 0}
    update = FreeAT.updates

    def stopped(*arguments):
        count["updates"] += 1
        if count["updates"] == 4:
            raise KeyboardInterrupt
        return update(*arguments)

    monkeypatch.setattr(FreeAT, "updates", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(config)
    monkeypatch.undo()
    assert torch.load(tmp_path / "run" / "checkpoints" / "last.pt", weights_only=True)["state"]["step"] == 3
    run(config)
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_seed_decides_everything(run, tmp_path):
    for name, seed in (("first", 0), ("second", 0), ("third", 1)):
        run(replace(CONFIG, seed=seed, epochs=1), name=name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second", "third")]
    assert weights[0] == weights[1] != weights[2]


def test_held_out_accuracy_is_counted_image_by_image(data, tiny_network):
    model = tiny_network(10, channels=1)
    runtime = Runtime(RuntimeConfig(device="cpu"))
    settings = {"steps": 3, "images": 45, "batch_size": 20, "seed": 0, "runtime": runtime}
    measured = measure_held_out(model, data.valid, strength=0.1, **settings)
    assert measured.images == 45
    assert model.training
    model.eval()
    images, labels = data.valid.fetch(torch.arange(45))
    correct = sum(int(model(image[None]).argmax()) == int(label) for image, label in zip(images, labels))
    assert measured.clean == pytest.approx(correct / 45)
    assert measured.robust <= measured.clean
    assert measure_held_out(model, data.valid, strength=0.1, **settings) == measured
    assert measure_held_out(model, data.valid, strength=None, **settings).robust is None


def test_a_genotype_with_an_unknown_operation_is_refused(data):
    genotype = get_space("nb201").sample(torch.Generator().manual_seed(0))
    text = genotype.to_json().replace(genotype.cells[0][1].edges[0][0], "conv_9x9")
    with pytest.raises(InputError, match="conv_9x9"):
        GenotypeNetwork(
            genotype=type(genotype).from_json(text),
            config=NetworkConfig(channels=4, layers=1, num_classes=10, image_shape=(1, 8, 8)),
        ).build()

"""What `--arch` may be, and the size that a training gives it: the card's, unless the user says otherwise."""

import json
from dataclasses import replace

import pytest
import torch
import yaml

from wsrnas import zoo
from wsrnas.cli import main
from wsrnas.cli.commands import train as train_command
from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.models.load import load_model
from wsrnas.models.named import describe, network_spec, read_arch, size_of
from wsrnas.models.network import GenotypeNetwork, NamedNetwork, SizeConfig, read_network, write_network
from wsrnas.spaces.genotype import Genotype
from wsrnas.training import train as training

RECIPE = SizeConfig(channels=45, layers=20)


@pytest.fixture(scope="module")
def digits():
    return load_data(DataConfig(name="digits", valid_fraction=0.1), 0)


@pytest.fixture
def cifar(digits):
    """The digits, said to be CIFAR-10: a network is built for them and never run."""
    return replace(digits, image_shape=(3, 32, 32))


@pytest.mark.parametrize(
    ("arch", "name"),
    [
        ("AdvRush", "advrush"),
        ("wsrnet_plus", "wsrnet-plus"),
        ("RobNet-large", "robnet-l"),
        ("ResNet-18", "resnet-18"),
        ("WRN-34-R", "wrn-34-r"),
        ("E²R-NAS", "e2r-nas"),
        ("CRoZe", "croze"),
    ],
)
def test_a_training_builds_a_model_at_the_size_of_its_card(arch, name, cifar):
    network, card = network_spec(arch, RECIPE, cifar), zoo.card(name)
    assert network.parameters() == card.parameters
    assert network_spec(arch, SizeConfig(), cifar) == network
    assert size_of(network, RECIPE) == SizeConfig(channels=card.channels, layers=card.layers, stem=card.stem)
    assert f"{name}, {card.parameters:,} parameters" in describe(read_arch(arch), network)
    assert "its card" not in describe(read_arch(arch), network)


def test_models_for_imagenet_keep_their_stem(cifar):
    data = replace(cifar, image_shape=(3, 224, 224), class_names=tuple(map(str, range(1000))))
    network = network_spec("WsrNet-Basic (ImageNet)", RECIPE, data)
    assert network.parameters() == zoo.card("wsrnet-basic-imagenet").parameters
    assert "; racl-imagenet has a stem for such images" in describe("racl", network_spec("racl", RECIPE, data))


def test_what_the_user_said_wins_over_the_card(cifar):
    network = network_spec("advrush", SizeConfig(channels=8, layers=5), cifar, said=("channels",))
    assert isinstance(network, GenotypeNetwork)
    assert (network.config.channels, network.config.layers) == (8, 20)
    assert "(8 channels, 20 cells, cifar stem); its card has 36 channels, 20 cells" in describe("advrush", network)
    with pytest.raises(InputError, match="the depth of resnet-18 is part of its name, got 8"):
        network_spec("resnet-18", SizeConfig(), cifar, said=("layers",))
    assert network_spec("resnet-18", SizeConfig(layers=18), cifar, said=("layers",)).config["layers"] == 18


def test_a_genotype_takes_the_size_of_the_recipe(cifar, tmp_path):
    genotype = zoo.genotype("racl")
    path = tmp_path / "genotype.json"
    path.write_text(genotype.to_json())
    for arch in (str(path), str(tmp_path), genotype.to_json()):
        network = network_spec(arch, SizeConfig(channels=4, layers=3), cifar)
        assert isinstance(network, GenotypeNetwork)
        assert (network.genotype, network.config.channels, network.config.layers) == (genotype, 4, 3)
    assert f"genotype {genotype.id}, {network.parameters():,} parameters (4 channels" in describe(genotype, network)


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        ("wsrnet-basik", "^--arch: expected a zoo name, a genotype file .* did you mean 'wsrnet-basic'"),
        ("wsrnet-naive-1", "^--arch: .* `wsrnas search --recipe naive-1` makes such a one$"),
        ("runs/missing", "got runs/missing; check the path$"),
        ("missing.json", "got missing.json; check the path$"),
        ("x" * 400, "^--arch: expected a zoo name"),
        ("Genotype(normal=[])", "^genotype"),
    ],
)
def test_what_names_no_architecture_is_refused_before_data_are_read(arch, message):
    with pytest.raises(InputError, match=message):
        read_arch(arch)


def test_published_text_longer_than_a_file_name_is_read():
    pairs = [("sep_conv_3x3", 0), ("skip_connect", 1)] * 8
    read = read_arch(f"Genotype(normal={pairs}, normal_concat=range(2, 10), reduce={pairs}, reduce_concat=[2, 9])")
    assert isinstance(read, Genotype)
    assert len(read["normal"].edges) == 16


def test_a_file_called_like_a_model_is_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "racl").write_text(zoo.genotype("darts").to_json())
    assert read_arch("racl") == zoo.genotype("darts")
    assert read_arch("RACL") == "racl"


@pytest.mark.parametrize("arch", ["resnet-18", "robnet-s", "wrn-28-10", "racl"])
def test_a_run_folder_builds_the_same_network_again(arch, digits, tmp_path):
    size = SizeConfig(channels=4, layers={"resnet-18": 18, "wrn-28-10": 10}.get(arch, 3))
    network = network_spec(arch, size, digits, said=("channels", "layers"))
    write_network(tmp_path, network)
    again = read_network(tmp_path)
    assert json.dumps(again.to_dict()) == json.dumps(network.to_dict())
    state = network.initialise(3).state_dict()
    assert all(torch.equal(state[key], value) for key, value in again.initialise(3).state_dict().items())


def test_a_model_to_evaluate_goes_by_any_spelling(monkeypatch):
    asked = []
    monkeypatch.setattr(zoo, "create", lambda name: asked.append(name) or torch.nn.Flatten())
    load_model("WsrNet-Basic")
    assert asked == ["wsrnet-basic"]
    with pytest.raises(InputError, match="did you mean 'wsrnet-basic'"):
        load_model("WsrNet-Basik")


class Stopped(Exception):
    pass


@pytest.fixture
def built(monkeypatch):
    """What the train command would train."""
    found = []

    def stop(config, network, out, data):
        found.append((config, network))
        raise Stopped

    monkeypatch.setattr(training, "train", stop)

    def run(*arguments):
        with pytest.raises(Stopped):
            main(["train", *arguments, "--out", "never"])
        return found[-1]

    return run


def test_the_train_command_builds_the_card_and_prints_its_parameters(built, cifar, monkeypatch, capsys):
    monkeypatch.setattr(train_command, "load_data", lambda config, seed: cifar)
    config, network = built("--arch", "advrush", "--recipe", "pgd7-cifar10")
    assert network.parameters() == zoo.card("advrush").parameters == 4_158_046
    assert config.network == SizeConfig(channels=36, layers=20)
    printed = capsys.readouterr().out
    assert printed.startswith("network: advrush, 4,158,046 parameters (36 channels, 20 cells, cifar stem)\n")


@pytest.mark.parametrize(
    ("arch", "options", "size"),
    [
        ("advrush", (), (36, 20, "cifar")),
        ("RACL-ImageNet", (), (64, 20, "imagenet")),
        ("ResNet-18", (), (64, 18, "cifar")),
        ("advrush", ("--network.channels=8",), (8, 20, "cifar")),
        ("advrush", ("--network.channels", "8", "--network.layers", "3"), (8, 3, "cifar")),
        ("racl-imagenet", ("--network.stem=cifar",), (64, 20, "cifar")),
        ("advrush", ('--network={"layers": 2}',), (36, 2, "cifar")),
    ],
)
def test_the_train_command_takes_from_the_user_what_they_said(built, arch, options, size):
    config, network = built("--arch", arch, *options)
    assert (config.network.channels, config.network.layers, config.network.stem) == size
    assert size_of(network, SizeConfig()) == config.network


def test_a_recipe_file_of_the_users_own_says_something_too(built, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(yaml.safe_dump({"data": {"name": "digits", "valid_fraction": 0.1}, "network": {"channels": 6}}))
    config = built("--arch", "advrush", "--recipe", str(recipe))[0]
    assert (config.network.channels, config.network.layers) == (6, 20)
    named = built("--arch", "wrn-34-r", f"--recipe={recipe}")[1]
    assert isinstance(named, NamedNetwork)
    assert (named.config["channels"], named.config["layers"]) == (6, 34)

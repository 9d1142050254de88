"""A space from elsewhere: found by its path once a command named it, never imported because a genotype file says so."""

import json
import sys

import pytest

from wsrnas.errors import InputError
from wsrnas.models.network import GenotypeNetwork
from wsrnas.rng import stream
from wsrnas.search.config import SpaceConfig
from wsrnas.spaces import Genotype, NetworkConfig, get_space

MODULE = """
from dataclasses import dataclass, field
from typing import ClassVar
from wsrnas.spaces import NasBench201Space

@dataclass(frozen=True, kw_only=True)
class Plain(NasBench201Space):
    name: ClassVar[str] = "users_space:Plain"
    operations: tuple[str, ...] = field(default=("none", "skip_connect", "nor_conv_3x3"), init=False)

class Misnamed(Plain):
    name = "misnamed"

class Impostor(Plain):
    name = "nb201"
"""


@pytest.fixture
def users_space(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users_space.py").write_text(MODULE)
    yield "users_space:Plain"
    sys.modules.pop("users_space", None)


def test_a_file_that_names_a_module_does_not_get_it_imported(users_space):
    with pytest.raises(InputError, match=r"space: expected a name this installation knows.*add --import users_space"):
        get_space(users_space)
    assert "users_space" not in sys.modules


def test_a_command_that_names_it_makes_it_known_to_genotypes_too(users_space):
    assert SpaceConfig(name=users_space).name == users_space
    space = get_space(users_space)
    genotype = Genotype.from_json(json.dumps(json.loads(space.sample(stream(0, "genotype")).to_json())))
    size = NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=(1, 8, 8))
    assert GenotypeNetwork(genotype=genotype, config=size).build() is not None
    assert space.num_operations == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Misnamed", r"the name of Misnamed: expected a known name .*got 'misnamed'"),
        ("Impostor", r"space: expected a space that calls itself 'users_space:Impostor', got 'nb201'; set name = "),
        ("Plane", r"space\.name: expected something named 'Plane' in users_space, got none; did you mean 'Plain'"),
    ],
)
def test_a_space_that_its_genotypes_would_not_find_again_is_refused(users_space, name, message):
    with pytest.raises(InputError, match=message):
        SpaceConfig(name=f"users_space:{name}")

"""`--import package.module`: files may name the parts of a module that the command line vouches for."""

import sys

import pytest
from safetensors.torch import save_file

from wsrnas.cli import main
from wsrnas.models.network import GenotypeNetwork, write_network
from wsrnas.rng import stream
from wsrnas.spaces import CellGenotype, NasBench201Space, NetworkConfig

MODULE = """
from typing import ClassVar
from wsrnas.spaces import NasBench201Space

class Same(NasBench201Space):
    name: ClassVar[str] = "vouched_space:Same"
"""
SIZE = NetworkConfig(channels=2, layers=1, num_classes=10, image_shape=(1, 8, 8))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A trained network of a space that lives in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vouched_space.py").write_text(MODULE)
    (tmp_path / "run").mkdir()
    known = NasBench201Space().sample(stream(0, "genotype"))
    weights = GenotypeNetwork(genotype=known, config=SIZE).initialise(0).state_dict()
    save_file(weights, tmp_path / "run" / "model.safetensors")
    own = CellGenotype("vouched_space:Same", known.cells)
    write_network(tmp_path / "run", GenotypeNetwork(genotype=own, config=SIZE))
    yield ["evaluate", "run", "--data.name=digits", "--limit=20", "--strengths=0", "--device=cpu"]
    sys.modules.pop("vouched_space", None)


@pytest.mark.parametrize("option", [["--import", "vouched_space"], ["--import=vouched_space"]], ids=["two", "one"])
def test_a_network_of_ones_own_space_is_loaded_when_its_module_is_imported(run, option, capsys):
    assert main(run) == 2
    assert "add --import vouched_space" in capsys.readouterr().err
    assert "vouched_space" not in sys.modules
    assert main([*run, *option]) == 0
    assert "accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zoo", "list", "--import"], "--import: expected package.module, got nothing"),
        (["zoo", "--import", "--pattern", "list"], "--import: expected package.module, got --pattern"),
        (["zoo", "list", "--import", "nowhere_at_all"], "--import: cannot import nowhere_at_all (ModuleNotFoundError"),
        (["zooo", "--import", "nowhere_at_all"], "command: expected one of wsrnas --help, got zooo"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(arguments, message, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")

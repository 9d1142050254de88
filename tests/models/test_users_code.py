"""A user's own module, and texts that name no model."""

import sys

import pytest
import torch
from torch import nn

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.models import as_module
from wsrnas.models.load import load_model
from wsrnas.models.python import from_python

CODE = """
import argparse, sys
from torch import nn
print("hello")
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1.0)
options = parser.parse_args()
def build(): print("building"); return nn.Flatten()
def leaves(): sys.exit("no GPU")
def lazy(): return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["wsrnas", "evaluate", "--model", "own_code:build"])
    (tmp_path / "own_code.py").write_text(CODE)
    yield "own_code"
    sys.modules.pop("own_code", None)


def test_code_that_reads_arguments_and_prints_is_run_as_a_program_without_any(module, capsys):
    assert isinstance(from_python(f"{module}:build"), nn.Flatten)
    assert capsys.readouterr() == ("", "hello\nbuilding\n")
    assert sys.argv[1] == "evaluate"


def test_code_that_exits_is_one_sentence(module):
    with pytest.raises(InputError, match=r"own_code:leaves\(\) failed with SystemExit: no GPU; give a function"):
        from_python(f"{module}:leaves")
    sys.modules.pop("own_code")
    with open("own_code.py", "w") as file:
        file.write("raise SystemExit(3)")
    with pytest.raises(InputError, match=r"model: cannot import own_code \(SystemExit: 3\)"):
        from_python(f"{module}:build")


def test_layers_without_weights_are_refused_unless_weights_come_with_them(module, tmp_path):
    message = r"got layers not yet initialised \(1.weight, 1.bias\); call it once on images"
    with pytest.raises(InputError, match=message):
        load_model(f"{module}:lazy")
    with pytest.raises(InputError, match=message):
        as_module(nn.Sequential(nn.Flatten(), nn.LazyLinear(3)))
    torch.save({"1.weight": torch.ones(3, 4), "1.bias": torch.zeros(3)}, tmp_path / "w.pt")
    loaded = load_model(f"{module}:lazy", weights=tmp_path / "w.pt")
    assert loaded.model(torch.ones(1, 1, 2, 2)).tolist() == [[4.0, 4.0, 4.0]]


def test_a_genotype_is_no_model_and_a_long_name_is_none_either():
    text = zoo.genotype("racl").to_json()
    with pytest.raises(InputError, match="got a genotype, which has no weights; train it first"):
        load_model(text)
    with pytest.raises(InputError, match="model: expected a run folder"):
        load_model("x" * 5000)

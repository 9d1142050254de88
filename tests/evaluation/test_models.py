"""Loading classifiers: run folders, Python callables, ONNX files, names."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.evaluation import evaluate, load_model
from wsrnas.evaluation.under_test.lock import digests
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.spaces import get_space
from wsrnas.spaces.base import NetworkConfig


@pytest.fixture
def run_folder(tmp_path: Path) -> tuple[Path, nn.Module]:
    space = get_space("nb201")
    genotype = space.sample(stream(0, "genotype"))
    config = NetworkConfig(channels=4, layers=1, num_classes=10, image_shape=(1, 8, 8), mean=(0.3,), std=(0.4,))
    with fixed_global_seed(0):
        model = space.build(genotype, config).eval()
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    described = {"kind": "genotype", "genotype": json.loads(genotype.to_json()), "config": asdict(config)}
    (tmp_path / "network.json").write_text(json.dumps(described))
    return tmp_path, model


def test_a_run_folder(run_folder: tuple[Path, nn.Module], digits: Any) -> None:
    folder, model = run_folder
    loaded = load_model(str(folder))
    with torch.no_grad():
        assert torch.equal(loaded.model(digits.images[:5]), model(digits.images[:5]))
    assert not loaded.model.training
    assert loaded.differentiable


def test_a_run_folder_of_a_zoo_network(
    digit_network: Any, tmp_path: Path, undefended: nn.Module, digits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"seed": 3, "num_classes": 10, "image_shape": [1, 8, 8]}
    (tmp_path / "network.json").write_text(json.dumps({"kind": "zoo", "name": "racl", "config": config}))
    save_file(undefended.state_dict(), tmp_path / "model.safetensors")
    asked: list[Any] = []

    def create(name: str, **config: Any) -> nn.Module:
        asked.append((name, config))
        return digit_network(seed=config["seed"])

    monkeypatch.setattr(zoo, "create", create)
    loaded = load_model(str(tmp_path))
    assert set(map(repr, asked)) == {repr(("racl", {"seed": 3, "num_classes": 10, "image_shape": (1, 8, 8)}))}
    with torch.no_grad():
        assert torch.equal(loaded.model(digits.images[:3]), undefended(digits.images[:3]))


@pytest.mark.parametrize("suffix", ["safetensors", "pt", "data-parallel.pt"])
def test_a_python_callable_with_weights(
    suffix: str, tmp_path: Path, undefended: nn.Module, digits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = f"users_{suffix.replace('.', '_').replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(
        "from torch import nn\n\n"
        "def build():\n"
        "    first = [nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]\n"
        "    second = [nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU()]\n"
        "    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(256, 10))\n\n"
        "ready = build()\nnumber = 3\n"
    )
    path = tmp_path / f"weights.{suffix}"
    if suffix == "safetensors":
        save_file(undefended.state_dict(), path)
    elif suffix == "pt":
        torch.save(undefended.state_dict(), path)
    else:
        torch.save({"state_dict": {f"module.{k}": v for k, v in undefended.state_dict().items()}}, path)
    loaded = load_model(f"{module}:build", weights=path)
    with torch.no_grad():
        assert torch.equal(loaded.model(digits.images[:3]), undefended(digits.images[:3]))
    assert isinstance(load_model(f"{module}:ready").model, nn.Module)
    with pytest.raises(InputError, match="something named 'other'"):
        load_model(f"{module}:other")
    with pytest.raises(InputError, match="to be a module or a function that builds one"):
        load_model(f"{module}:number")
    with pytest.raises(InputError, match="cannot import nowhere_to_be_found"):
        load_model("nowhere_to_be_found:build")


def test_weights_of_another_network_or_unsafe_ones(
    digit_network: Any, tmp_path: Path, undefended: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo, "create", lambda name: digit_network())
    other, whole, broken = tmp_path / "other.pt", tmp_path / "whole.pt", tmp_path / "broken.safetensors"
    torch.save(nn.Linear(2, 2).state_dict(), other)
    torch.save(undefended, whole)
    broken.write_bytes(b"nothing")
    for path, message in (
        (other, "missing 0.bias.*not in the network bias, weight.*another kind or size"),
        (whole, r"save model\.state_dict\(\)"),
        (broken, "is damaged"),
        (tmp_path / "absent.pt", "an existing .safetensors or .pt file"),
    ):
        with pytest.raises(InputError, match=message):
            load_model("racl", weights=path)


def test_unknown_specs_say_what_is_known(digit_network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"a run folder, package\.module:callable, a \.onnx, .* or a zoo name"):
        load_model("tiny")
    with pytest.raises(InputError, match="check the path"):
        load_model("runs/missing")
    (tmp_path / "network.pt").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"pass the file as --weights; TorchScript holds code, which is not run"):
        load_model(str(tmp_path / "network.pt"))
    with pytest.raises(InputError, match="a finished `wsrnas train` run"):
        load_model(str(tmp_path))
    (tmp_path / "network.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        load_model(str(tmp_path))
    (tmp_path / "network.json").write_text('{"kind": "other", "config": {}}')
    with pytest.raises(InputError, match="kind 'genotype', 'zoo' or 'ensemble'"):
        load_model(str(tmp_path))
    monkeypatch.setattr(zoo, "create", lambda name: digit_network())
    assert "random weights" in load_model("racl").note


def test_a_builder_that_fails_is_told_apart_from_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_builders.py").write_text("def needs(size): ...\ndef fails(): raise KeyError('depth')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"needs\(\) failed with TypeError: .*without arguments"):
        load_model("broken_builders:needs")
    with pytest.raises(InputError, match=r"fails\(\) failed with KeyError: 'depth'"):
        load_model("broken_builders:fails")


def linear_onnx(path: Path, batch: int | str) -> Tensor:
    weight = torch.randn(64, 10, generator=stream(0, "onnx"))
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["images"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
        ],
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(weight.numpy()), "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)
    return weight


@pytest.mark.parametrize("batch", ["batch", 4])
def test_an_onnx_file_gets_gradient_free_attacks_only(batch: int | str, tmp_path: Path, digits: Any) -> None:
    path = tmp_path / "linear.onnx"
    weight = linear_onnx(path, batch)
    loaded = load_model(str(path))
    assert not loaded.differentiable
    assert "only gradient-free attacks apply" in loaded.note
    images = digits.images[:10]
    assert torch.allclose(loaded.model(images), images.flatten(1) @ weight, atol=1e-4)
    labels = loaded.model(images).argmax(1)
    from wsrnas.attacks import Square

    found = evaluate(loaded.model, images, labels, [0.3], attacks=[Square(eps=0.1, queries=40)])
    assert found.accuracy[0] < 1
    assert found.queries is not None
    assert found.queries > 40 * 10 * found.accuracy[0]
    with pytest.raises(InputError, match="suite='queries'"):
        evaluate(loaded.model, images, labels, [0.3], suite="fast")
    with pytest.raises(InputError, match="none with an ONNX file"):
        load_model(str(path), weights="w.pt")


def test_weights_beside_an_onnx_file_are_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "linear.onnx"
    linear_onnx(path, "batch")
    alone = digests(load_model(str(path)).model)
    (tmp_path / "linear.onnx.data").write_bytes(b"other weights")
    assert digests(load_model(str(path)).model) != alone


def test_a_bad_onnx_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"an existing \.onnx file"):
        load_model(str(tmp_path / "absent.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"no")
    with pytest.raises(InputError, match="not a usable ONNX file"):
        load_model(str(tmp_path / "bad.onnx"))

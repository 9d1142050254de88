"""Weights as other programs save them: what is taken off is said, what does not fit is refused with both shapes."""

import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from wsrnas.errors import InputError
from wsrnas.weights.load import load_weights


def net(classes=3):
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, classes))


@pytest.fixture
def saved():
    model = net()
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.uniform_()
    return model.state_dict()


def prefixed(prefix, state):
    return {prefix + name: tensor for name, tensor in state.items()}


def loads(content, saved, tmp_path, model=None):
    torch.save(content, tmp_path / "w.pt")
    model = net() if model is None else model
    note = load_weights(model, tmp_path / "w.pt")
    found = list(model.state_dict().values())
    assert all(torch.equal(one, other) for one, other in zip(found, saved.values()))
    return note


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "net.", "module._orig_mod.model.", "my_net."])
def test_prefixes_are_taken_off_and_said(prefix, saved, tmp_path):
    note = loads(prefixed(prefix, saved), saved, tmp_path)
    assert re.match(r"Weights from w\.pt: '.*\.' taken off the names\.$", note)
    assert prefix.split(".")[-2] in note or "_orig_mod" in note


@pytest.mark.parametrize("key", ["net", "ema", "state_dict", "model_ema", "model", "model_state_dict", "anything"])
def test_keys_are_taken_off_and_said(key, saved, tmp_path):
    note = loads({key: saved, "epoch": 3, "optimizer": {"state": {0: {"step": torch.ones(1)}}}}, saved, tmp_path)
    assert note == f"Weights from w.pt: under '{key}'."
    assert loads({"acc": 0.9, key: {"state_dict": prefixed("module.", saved)}}, saved, tmp_path) == (
        f"Weights from w.pt: under '{key}' → 'state_dict', 'module.' taken off the names."
    )


def test_what_fits_as_it_is_says_nothing(saved, tmp_path):
    assert loads(saved, saved, tmp_path) == ""
    save_file(saved, tmp_path / "tensors.pt")
    assert load_weights(net(), tmp_path / "tensors.pt") == ""


def test_a_compiled_part_and_a_network_that_is_wrapped_itself(saved, tmp_path):
    inner = {name.replace("0.", "0._orig_mod.", 1): tensor for name, tensor in saved.items()}
    assert "_orig_mod" in loads(inner, saved, tmp_path)
    wrapped = nn.Sequential()
    wrapped.add_module("module", net())
    loads(saved, saved, tmp_path, wrapped)


def test_of_several_that_fit_the_plain_one_is_taken_and_the_others_are_said(saved, tmp_path):
    other = {name: tensor + 1 for name, tensor in saved.items()}
    note = loads({"ema": other, "state_dict": saved}, saved, tmp_path)
    assert note == "Weights from w.pt: under 'state_dict'; not taken: under 'ema'."
    torch.save({**prefixed("student.", saved), **prefixed("teacher.", other)}, tmp_path / "two.pt")
    with pytest.raises(InputError, match=r"--weights: expected one network, got 2 in .*'student\.' .* and 'teacher\.'"):
        load_weights(net(), tmp_path / "two.pt")


def test_an_average_and_older_counters_fit(saved, tmp_path):
    loads({"n_averaged": torch.tensor(3), **prefixed("module.", saved)}, saved, tmp_path)
    old = {name: tensor for name, tensor in saved.items() if "num_batches" not in name}
    loads(old, saved, tmp_path)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_widths_are_cast_and_said(kind, saved, tmp_path):
    cast = {name: tensor.to(kind) if tensor.is_floating_point() else tensor for name, tensor in saved.items()}
    expected = {name: tensor.to(saved[name].dtype) for name, tensor in cast.items()}
    assert loads(cast, expected, tmp_path) == f"Weights from w.pt: {str(kind)[6:]} cast to float32."


@pytest.mark.parametrize("change", [lambda one: one.to(torch.int8), lambda one: one.to(torch.complex64),
                                    lambda one: one.double() * 1e300])  # fmt: skip
def test_types_that_would_lose_the_weights_are_refused(change, saved, tmp_path):
    saved["0.weight"] = change(saved["0.weight"])
    torch.save(saved, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"--weights: expected tensors that float32 holds, got 0\.weight as \w+ in"):
        load_weights(net(), tmp_path / "w.pt")


def test_another_shape_is_refused_with_both(saved, tmp_path):
    torch.save({"net": saved}, tmp_path / "w.pt")
    with pytest.raises(
        InputError, match=re.escape("another shape 2.bias (3,) for (7,), 2.weight (3, 5) for (7, 5); the")
    ):
        load_weights(net(7), tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "a git-lfs pointer to one; fetch .*lfs pull",
        ),
        (b"\n<!DOCTYPE html>\n<html>", "a web page; download the file itself"),
        (b"", "an empty file; write it again"),
        (b"\x80\x04garbage", "holds more than tensors or is damaged"),
        (b"\xff" * 7 + b"\x7f{}", "is damaged or of another format"),
    ],
)
@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_what_is_no_file_of_tensors_is_named(content, message, name, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_weights(net(), tmp_path / name)


def test_lazy_layers_take_the_shape_of_their_weights(saved, tmp_path):
    lazy = nn.Sequential(nn.LazyLinear(5), nn.LazyBatchNorm1d(), nn.LazyLinear(3))
    assert loads(saved, saved, tmp_path, lazy) == ""
    assert lazy.eval()(torch.ones(2, 4)).shape == (2, 3)

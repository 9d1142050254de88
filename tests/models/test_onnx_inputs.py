"""ONNX files of other types, layouts and sizes: cast where that is harmless, else refused with both shapes."""

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from wsrnas.errors import InputError
from wsrnas.models.load import load_model

KINDS = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "float64": TensorProto.DOUBLE,
    "uint8": TensorProto.UINT8,
    "int64": TensorProto.INT64,
}


def flattening(path, kind="float32", shape=("b", 3, 4, 5), extra=False):
    """A file whose logits are its pixels, in its own order."""
    nodes = [
        helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["y"], ["scores"]),
    ]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["b", "k"])]
    if extra:
        nodes.append(helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0))
        outputs.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, ["b"]))
    entry = helper.make_tensor_value_info("x", KINDS[kind], list(shape))
    model = helper.make_model(
        helper.make_graph(nodes, "g", [entry], outputs), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    onnx.save(model, path)
    return load_model(str(path))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.onnx"


@pytest.fixture
def images():
    return torch.arange(120, dtype=torch.float32).view(2, 3, 4, 5) / 255


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_floats_of_every_width_are_cast(kind, path, images):
    loaded = flattening(path, kind)
    assert torch.allclose(loaded.model(images), images.flatten(1), atol=1e-3)
    assert loaded.note.endswith(f"Images are cast to {kind} for it.")


def test_eight_bit_inputs_get_whole_pixels(path, images):
    loaded = flattening(path, "uint8")
    assert torch.equal(loaded.model(images + 0.3 / 255), (images * 255).round().flatten(1))
    assert "rounded to whole pixels from 0 to 255" in loaded.note


def test_colours_last(path, images):
    loaded = flattening(path, shape=("b", 4, 5, 3))
    assert torch.equal(loaded.model(images), images.permute(0, 2, 3, 1).flatten(1))
    assert "colours last" in loaded.note
    with pytest.raises(InputError, match=r"expected images of \(3,4,5\), got \(3,8,8\)"):
        loaded.model(torch.zeros(1, 3, 8, 8))


def test_of_several_outputs_the_scores_are_taken_and_said(path, images):
    loaded = flattening(path, shape=(1, 3, 4, 5), extra=True)
    assert torch.equal(loaded.model(images), images.flatten(1))
    assert loaded.note.endswith("Of its outputs, scores is taken as logits, not label.")


def test_images_of_another_size_are_refused_with_both_shapes(path):
    loaded = flattening(path)
    with pytest.raises(InputError, match=r"model: expected images of \(3,4,5\), got \(1,8,8\); choose the data"):
        loaded.model(torch.zeros(2, 1, 8, 8))


def test_an_input_of_whole_numbers_is_refused(path):
    with pytest.raises(InputError, match=r"expected an ONNX input of numbers in \[0,1\], got tensor\(int64\); export"):
        flattening(path, "int64")

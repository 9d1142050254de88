"""Classifiers of timm and transformers, by stand-ins: normalisation, sizes and names are the library's own."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import wsrnas
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.models.load import load_model

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


class Pool(nn.Module):
    """Logits are the mean of each channel, and zeros for further classes."""

    num_classes = 5

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = images.mean((2, 3))
        return torch.cat([means, means.new_zeros(len(images), 2)], 1)


class Answering(Pool):
    config = SimpleNamespace(id2label={number: f"class {number}" for number in range(5)}, num_channels=3)

    def forward(self, pixel_values: torch.Tensor) -> Any:  # type: ignore[override]
        return SimpleNamespace(logits=super().forward(pixel_values))


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    def create_model(name: str, pretrained: bool = False) -> nn.Module:
        if name != "pool" or not pretrained:
            raise RuntimeError(f"Unknown model ({name})")
        return Pool()

    config = {"input_size": (3, 12, 12), "mean": MEAN, "std": STD, "crop_pct": 0.75}
    library: Any = ModuleType("timm")
    library.create_model = create_model
    library.data = SimpleNamespace(resolve_model_data_config=lambda model: config)
    monkeypatch.setitem(sys.modules, "timm", library)


@pytest.fixture
def transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    def model(name: str, *, use_safetensors: bool, trust_remote_code: bool) -> nn.Module:
        assert use_safetensors
        assert not trust_remote_code
        if name != "ada/pool":
            raise OSError(f"{name} is not a local folder and is not a valid model identifier")
        return Answering()

    processor = SimpleNamespace(
        size={"shortest_edge": 16}, do_center_crop=True, crop_size={"height": 12, "width": 12},
        image_mean=list(MEAN), image_std=list(STD), do_normalize=True,
    )  # fmt: skip
    library: Any = ModuleType("transformers")
    library.AutoModelForImageClassification = SimpleNamespace(from_pretrained=model)
    library.AutoImageProcessor = SimpleNamespace(from_pretrained=lambda name, trust_remote_code: processor)
    monkeypatch.setitem(sys.modules, "transformers", library)


@pytest.mark.parametrize("spec", ["timm:pool", "hf:ada/pool"])
@pytest.mark.usefixtures("timm", "transformers")
def test_a_model_takes_plain_images_and_normalises_them_itself(spec: str) -> None:
    model = wsrnas.load(spec)
    images = torch.rand(4, 3, 12, 12)
    expected = (images.mean((2, 3)) - torch.tensor(MEAN)) / torch.tensor(STD)
    assert torch.allclose(model(images)[:, :3], expected, atol=1e-5)
    assert (model.num_classes, model.image_shape) == (5, (3, 12, 12))
    assert model.preprocessing.to_dict() == {"resize": True, "convert": True, "kept_share": 0.75}
    assert (model.class_names or ("none",))[0] == ("class 0" if spec.startswith("hf") else "none")
    assert load_model(spec).data == {"image_size": 12, "channels": 3, "crop": 0.75}


@pytest.mark.usefixtures("timm")
def test_it_is_evaluated_on_data_of_its_size(tmp_path: Any) -> None:
    from PIL import Image

    for label, colour in enumerate(("red", "lime", "blue")):
        for part in ("train", "test"):
            (tmp_path / part / str(label)).mkdir(parents=True)
            for number in range(3):
                picture = Image.new("RGB", (20 + number, 30), colour)
                picture.save(tmp_path / part / str(label) / f"{part}{number}.png")
    found = wsrnas.evaluate(
        model="timm:pool",
        data={"name": "folder", "root": str(tmp_path)},
        strengths="0,0.1",
        suite="fast",
        out=str(tmp_path / "out"),
        progress=False,
    )["strict"]
    assert (found.images, found.clean_accuracy, found.classes) == (9, 1.0, 5)
    with pytest.raises(InputError, match=r"--data.name: expected a data set, got none"):
        wsrnas.evaluate(model="timm:pool", strengths="0,0.1", out=str(tmp_path / "other"), progress=False)


@pytest.mark.parametrize(("spec", "package"), [("timm:resnet18", "timm"), ("hf:a/b", "transformers")])
def test_a_library_that_is_not_installed_is_named(
    spec: str, package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["evaluate", "--model", spec]) == 2
    assert f"{spec} needs {package}, which is not installed; pip install {package}" in capsys.readouterr().err


@pytest.mark.parametrize("spec", ["timm:nothing", "hf:nothing", "timm:"])
@pytest.mark.usefixtures("timm", "transformers")
def test_a_name_that_the_library_does_not_have_is_a_sentence(spec: str) -> None:
    with pytest.raises(InputError, match=rf"model: {spec} cannot be loaded"):
        wsrnas.load(spec)

"""The contract of every export format, found by itself: what is written is the network, and says so itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from tests.contracts import concrete
from torch import nn

import wsrnas
from wsrnas.data import Preprocessing
from wsrnas.errors import InputError
from wsrnas.export.base import ExportFormat, Subject
from wsrnas.export.formats import FORMATS
from wsrnas.export.run import Exported, subject_of

FOUND = concrete(ExportFormat)


@pytest.fixture(scope="module")
def written(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[type[ExportFormat], Exported]:
    root = tmp_path_factory.mktemp("exported")
    return {kind: wsrnas.export(run, kind.name, out=root / f"net{kind.suffix}", limit=32) for kind in FOUND}


@pytest.fixture(params=FOUND, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> type[ExportFormat]:
    found: type[ExportFormat] = request.param
    return found


@pytest.fixture
def exported(kind: type[ExportFormat], written: dict[type[ExportFormat], Exported]) -> Exported:
    return written[kind]


def test_it_goes_by_its_name(kind: type[ExportFormat]) -> None:
    assert FORMATS.kind(kind.name, argument="format") is kind
    assert kind() == kind()
    assert kind.suffix == "" or kind.suffix.startswith(".")
    assert bool(kind.modules) == bool(kind.extra)


def test_it_was_compared_on_test_images_under_attack(exported: Exported, kind: type[ExportFormat]) -> None:
    found = exported.parity
    assert exported.format == kind.name
    assert exported.images == "32 test images of digits"
    assert found.labelled
    assert found.logits <= 1e-3
    assert found.white.original < found.clean.original
    assert (found.clean.agree, found.white.agree) == (32, 32)
    assert found.white.images == 32
    assert found.black.images == 16


@pytest.mark.parametrize("batch", [1, 7, 20])
def test_what_is_loaded_says_what_the_original_says(exported: Exported, run: Path, batch: int) -> None:
    original, loaded = wsrnas.load(run), wsrnas.load(exported.path)
    images = torch.rand(batch, 1, 8, 8)
    before = images.clone()
    with torch.no_grad():
        assert torch.allclose(loaded(images), original(images), atol=1e-5)
    assert torch.equal(images, before)
    assert not loaded.training


def test_the_contract_travels_with_it(exported: Exported, run: Path) -> None:
    original, loaded = wsrnas.load(run), wsrnas.load(exported.path)
    assert loaded.class_names == tuple("0123456789")
    assert (loaded.image_shape, loaded.num_classes) == ((1, 8, 8), 10)
    assert loaded.preprocessing == original.preprocessing == Preprocessing()
    assert loaded.description == original.description
    assert loaded.description is not None
    assert loaded.description.data == {"name": "digits", "valid_fraction": 0.1, "train_limit": 600}


def test_its_pictures_are_predicted_as_by_the_original(exported: Exported, run: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (8, 8), 90).save(tmp_path / "one.png")
    (one,), (other,) = (wsrnas.predict(net, tmp_path) for net in (run, exported.path))
    assert one.label == other.label
    assert one.probability == pytest.approx(other.probability, abs=1e-4)


def test_it_is_evaluated_by_its_path(exported: Exported, tmp_path: Path) -> None:
    found = wsrnas.evaluate(
        model=str(exported.path),
        strengths="0,0.1",
        limit=10,
        attacks="square:queries=5",
        out=str(tmp_path),
        progress=False,
    )
    assert found["strict"].images == 10
    assert found["strict"].classes == 10


class Louder(nn.Module):
    """Another network that is right equally often without noise."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = 1.01 * self.network(images)
        return found


def test_another_network_is_refused_with_the_numbers(
    kind: type[ExportFormat], exported: Exported, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: ExportFormat, subject: Subject, place: Path) -> None:
        shutil.copytree(exported.path, place) if exported.path.is_dir() else shutil.copy(exported.path, place)

    read = kind.read
    monkeypatch.setattr(kind, "write", write)
    monkeypatch.setattr(kind, "read", lambda self, place: Louder(read(self, place)))
    out = tmp_path / f"net{kind.suffix}"
    with pytest.raises(InputError, match=rf"a {kind.name} file that is the network .* logits differ by .*e-0[23]"):
        wsrnas.export(run, kind.name, out=out, limit=16)
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_is_not_installed_names_the_extra(
    kind: type[ExportFormat], run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "modules", ("no_such_module",))
    monkeypatch.setattr(kind, "extra", "that")
    with pytest.raises(InputError, match=r"--format: expected no_such_module .* pip install 'wsrnas\[that\]'"):
        wsrnas.export(run, kind.name, out=tmp_path / f"net{kind.suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused(kind: type[ExportFormat], exported: Exported, tmp_path: Path) -> None:
    source = exported.path if kind.suffix else exported.path / "model.safetensors"
    place = tmp_path / (f"net{kind.suffix}" if kind.suffix else "folder")
    if not kind.suffix:
        place.mkdir()
        (place / "config.json").write_bytes((exported.path / "config.json").read_bytes())
    content = source.read_bytes()
    file = place if kind.suffix else place / "model.safetensors"
    for kept in (0, 40, len(content) // 2):
        file.write_bytes(content[:kept])
        with pytest.raises(InputError):
            wsrnas.load(place)


def test_every_subject_has_the_whole_contract(run: Path) -> None:
    found = subject_of(run).contract()
    assert found["input"]["shape"] == ["batch", 1, 8, 8]
    assert found["output"]["shape"] == ["batch", 10]
    assert {"kind", "config", "class_names", "preprocessing", "data", "version"} <= set(found)
    assert isinstance(subject_of(run), Subject)

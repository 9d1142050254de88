"""Predictions: pictures are read as in training, and what does not fit is refused in a sentence."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

import wsrnas
from wsrnas.cli import main
from wsrnas.data import DataConfig, Preprocessing, load_data
from wsrnas.data.sources.pictures import pictures
from wsrnas.errors import InputError
from wsrnas.models.classifier import Classifier
from wsrnas.models.network import NamedNetwork, write_network
from wsrnas.models.predict import predict

NAMES = ("cat", "dog", "owl")


class Corners(nn.Module):
    """Logits are the first three pixels of the top row, times a hundred."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 100 * images[:, 0, 0, :3]


def corners(shape: tuple[int, int, int] = (1, 4, 4), **more: bool) -> Classifier:
    return Classifier(
        Corners(), num_classes=3, image_shape=shape, class_names=NAMES, preprocessing=Preprocessing(**more)
    )


def picture(path: Path, bright: int, size: int = 4, mode: str = "L") -> Path:
    """A dark picture with one bright pixel in the top row."""
    image = Image.new(mode, (size, size))
    image.putpixel((bright, 0), 255 if mode == "L" else (255, 255, 255))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for place in range(3):
        picture(tmp_path / "photos" / f"{'ab'[place % 2]}" / f"{place}.png", place)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    (tmp_path / "photos" / "._0.png").write_text("hidden")
    return tmp_path / "photos"


def test_files_keep_their_order_and_folders_are_read_by_path(photos: Path) -> None:
    last = photos / "b" / "1.png"
    found = predict(corners(), [last, photos], batch_size=2)
    assert [one.path for one in found] == [str(last), str(photos / "a" / "0.png"), str(photos / "a" / "2.png")]
    assert [one.label for one in found] == ["dog", "cat", "owl"]
    notes = pictures([photos]).notes
    assert any(".txt 1" in note for note in notes)


def test_probabilities_are_the_softmax_of_the_logits_whatever_the_batch(photos: Path) -> None:
    class Soft(Corners):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) / 50

    model = Classifier(Soft(), num_classes=3, image_shape=(1, 4, 4))
    for batch in (1, 2, 100):
        found = predict(model, photos, batch_size=batch)
        expected = torch.tensor([2.0, 0, 0]).double().softmax(0).tolist()
        assert list(found[0].probabilities.values()) == pytest.approx(expected)
        assert list(found[0].probabilities) == ["0", "1", "2"]
        assert found[0].likeliest(2) == ["0", "1"]


def test_pictures_are_upright_scaled_and_converted_as_in_training(tmp_path: Path) -> None:
    """Every picture becomes the very pixels that evaluation reads from the same files."""
    generator = torch.Generator().manual_seed(0)
    for name in ("x", "y"):
        for number in range(5):
            pixels = (torch.rand(20, 14 + number, 3, generator=generator) * 255).byte().numpy()
            image = Image.fromarray(pixels).convert("L" if number == 3 else "RGB")
            turned = Image.Exif()
            turned[0x0112] = 6
            (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
            image.save(tmp_path / "data" / name / f"{number}.png", exif=turned)
    config = DataConfig(name="folder", root=str(tmp_path / "data"), image_size=8, channels=3, crop=0.8)
    seen: list[torch.Tensor] = []

    class Watching(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images.clone())
            return images.flatten(1)[:, :2]

    model = Classifier(Watching(), num_classes=2, image_shape=(3, 8, 8), preprocessing=Preprocessing.of(config))
    found = predict(model, tmp_path / "data")
    split = load_data(config).test
    images, _ = split.fetch(torch.arange(len(split)))
    for image, row in zip(images, split.rows.tolist()):
        assert torch.equal(torch.cat(seen)[row], image), found[row].path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: picture(root / "large.png", 0, size=9), r"images of 4×4, which the network takes, got 9×9 in"),
        (lambda root: picture(root / "red.png", 0, mode="RGB"), r"1 channel\(s\), which the network takes, got 3 in"),
    ],
)
def test_what_training_did_not_do_is_done_only_when_asked(make, message, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = make(tmp_path)
    with pytest.raises(InputError, match=rf"{message} .*pass --resize"):
        predict(corners(), path)
    assert len(predict(corners(), path, resize=True)) == 1


def test_broken_pictures_and_wrong_paths_are_named(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(picture(tmp_path / "whole.png", 0).read_bytes()[:40])
    (tmp_path / "page.jpg").write_text("<html>")
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("torn.png", r"an image in .*torn\.png, got one that cannot be decoded"),
        ("page.jpg", r"an image in .*page\.jpg, got one that cannot be decoded"),
        ("empty", r"images below .*empty, got none"),
        ("missing.png", r"an image file or a folder of images, got .*missing\.png"),
        ("x" * 5000, "an image file or a folder of images"),
    ):
        with pytest.raises(InputError, match=message):
            predict(corners(), tmp_path / name)
    with pytest.raises(InputError, match="got none"):
        predict(corners(), [])


def test_logits_that_are_no_numbers_are_refused(photos: Path) -> None:
    class Broken(Corners):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) * float("nan")

    with pytest.raises(InputError, match="finite logits, got NaN"):
        predict(Classifier(Broken(), num_classes=3, image_shape=(1, 4, 4)), photos)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    size = {"num_classes": 3, "image_shape": (1, 8, 8), "channels": 2, "layers": 3}
    network = NamedNetwork(name="wsrnet-basic", config=size)
    (tmp_path / "run").mkdir()
    save_file(network.initialise(0).state_dict(), tmp_path / "run" / "model.safetensors")
    write_network(tmp_path / "run", network, NAMES, Preprocessing(resize=True, convert=True))
    return tmp_path / "run"


def test_the_command_says_the_same_as_table_json_and_csv(
    run: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = wsrnas.predict(run, photos)
    assert {*found[0].probabilities} == set(NAMES)
    assert main(["predict", str(run), str(photos), "--json", "--batch", "2"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["label"] for one in shown] == [one.label for one in found]
    assert shown[0]["probabilities"] == pytest.approx(found[0].probabilities)
    assert main(["predict", str(run), str(photos), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["class"] for row in rows] == [one.label for one in found]
    assert sum(float(rows[0][name]) for name in NAMES) == pytest.approx(1, abs=1e-5)
    assert main(["predict", str(run), str(photos)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(found)
    assert found[0].label in lines[2]


def test_the_command_refuses_in_one_sentence(run: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        ([str(run), str(photos), "--json", "--csv"], "either --json or --csv"),
        ([str(run), str(photos), "--batch", "0"], "batch: expected at least 1"),
        ([str(photos), str(photos)], "a folder with network.json"),
        (["wsrnet-basic", str(photos)], "a network with weights, got wsrnet-basic"),
    ):
        assert main(["predict", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error

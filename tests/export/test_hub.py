"""The way to a hub and back, through its own client and a stand-in on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import ModelCard, constants
from tests.export.stand_in import StandIn, hub

import wsrnas
from wsrnas import zoo
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.evaluation.result import Evaluation
from wsrnas.models.hub import HubClassifier

RESOLVE = "/{repo_id}/resolve/{revision}/{filename}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    with hub() as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", found.url + RESOLVE)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(huggingface_hub.hf_api.constants, "ENDPOINT", found.url)
        monkeypatch.setenv("HF_TOKEN", "hf_stand_in")
        monkeypatch.chdir(tmp_path)
        yield found


@pytest.fixture(scope="module")
def folder(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hub") / "net"
    return wsrnas.export(run, "hub", out=out, limit=16, licence="mit").path


def test_a_network_goes_to_the_hub_and_comes_back(server: StandIn, run: Path) -> None:
    pushed = wsrnas.push(run, "ada/digits", private=True, licence="mit")
    files = {"README.md", "config.json", "model.safetensors", "robustbench-strict.json"}
    assert set(server.files["ada/digits"]) >= files
    assert server.private["ada/digits"]
    assert pushed.url == f"{server.url}/ada/digits"
    images = torch.rand(5, 1, 8, 8)
    expected = wsrnas.load(run)(images)
    back = wsrnas.load("ada/digits")
    assert torch.allclose(back(images), expected, atol=1e-6)
    assert back.class_names == tuple("0123456789")
    by_mixin = HubClassifier.from_pretrained("ada/digits")
    assert torch.allclose(by_mixin(images), expected, atol=1e-6)
    assert not by_mixin.training
    named = zoo.create("ResNet-18", weights="ada/digits")
    assert torch.allclose(named(images), expected, atol=1e-6)


def test_what_is_not_there_is_said(server: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    server.files["ada/other"] = {"config.json": b'{"model_type": "bert"}'}
    server.files["ada/foreign"] = {"config.json": b'{"model_type": "bert"}', "model.safetensors": b"12345678"}
    for name, message in (
        ("ada/none", "no file or folder here and no model on the hub is ada/none"),
        ("ada/other", "got ada/other on the hub, without one of them"),
        ("ada/foreign", "not made by `wsrnas export`"),
    ):
        with pytest.raises(InputError, match=message):
            wsrnas.load(name)
    assert main(["predict", "ada/none", "picture.png"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_without_a_connection_the_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with hub() as gone:
        url = gone.url
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + RESOLVE)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client tries again and again
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"ada/digits.*hub"):
        wsrnas.load("ada/digits")


@pytest.mark.parametrize("raised", [OSError, RuntimeError, type("ConnectError", (Exception,), {})])
def test_an_upload_that_fails_is_one_sentence_whatever_the_client_raises(
    raised: type[Exception], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object, **settings: object) -> None:
        raise raised("no way\nthere")

    monkeypatch.setattr("wsrnas.export.push.export", lambda *arguments, **settings: None)
    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", fails)
    with pytest.raises(InputError, match=r"push: ada/digits was not uploaded \(no way there\); check the name"):
        wsrnas.push(run, "ada/digits")


@pytest.mark.parametrize("name", ["digits", "ada/", "a/b/c", "ada/digits@main", "../x"])
def test_a_name_that_is_none_is_refused_before_anything_is_made(name: str, run: Path) -> None:
    with pytest.raises(InputError, match="NAME: expected user/name on the hub"):
        wsrnas.push(run, name)


def test_a_path_that_is_not_there_never_asks_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(InputError, match=r"a folder with network.json, got runs/b"):
        wsrnas.load("runs/b")


def test_the_card_holds_what_was_measured(folder: Path, run: Path) -> None:
    card = ModelCard.load(folder / "README.md")
    measured = Evaluation.load(run / "eval" / "strict.json")
    results = card.data.eval_results
    assert results is not None
    assert [one.metric_value for one in results] == pytest.approx(
        [100 * value for value in measured.accuracy], abs=0.01
    )
    intervals = [one.metric_args["interval_95"] for one in results if one.metric_args]
    assert intervals[0] == pytest.approx([100 * measured.ci_low[0], 100 * measured.ci_high[0]], abs=0.01)
    assert card.data.license == "mit"
    assert card.data.library_name == "wsrnas"
    assert "model-index" in (folder / "README.md").read_text()
    for said in ("PGD", "seed", "Nothing was tested beyond", "95 % intervals", "digits"):
        assert said in card.text
    robustbench = json.loads((folder / "robustbench-strict.json").read_text())
    assert robustbench["clean_acc"] == f"{100 * measured.clean_accuracy:.1f}"


def test_a_network_nobody_measured_says_so(run: Path, tmp_path: Path) -> None:
    bare = wsrnas.export(run, "safetensors", out=tmp_path / "net.safetensors", limit=8).path
    text = (wsrnas.export(bare, "hub", out=tmp_path / "hub", limit=8).path / "README.md").read_text()
    assert "Nobody has measured it yet" in text
    assert "model-index" not in text
    assert "nobody has said under which licence" in text


def test_the_mixin_is_strict(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for name in ("README.md", "config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    tensors = load_file(folder / "model.safetensors")
    tensors.pop(next(name for name in tensors if name.endswith("weight")))
    save_file(tensors, tmp_path / "model.safetensors")
    for load in (HubClassifier.from_pretrained, wsrnas.load):
        with pytest.raises(InputError, match="missing"):
            load(str(tmp_path))


def test_a_folder_with_other_files_is_left_alone(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="a new folder, or an earlier export"):
        wsrnas.export(run, "hub", out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

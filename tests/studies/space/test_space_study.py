"""The study of a space end to end, small: what it writes, and that it goes on where it stopped."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.files import read_json
from wsrnas.spaces import Genotype
from wsrnas.studies.space.config import SpaceStudyConfig, space_config
from wsrnas.studies.space.study import run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("space") / "run"
    return out, run(scale="smoke", space="nb201", out=out)


def test_the_folder_tells_the_whole_story(finished):
    out, result = finished
    told = read_json(out / "study.json")
    assert told["variance"].keys() == {"architecture", "seed", "sampling"}
    assert len(told["architectures"]) == 3
    assert len({Genotype.from_json(row["genotype"]).id for row in told["architectures"]}) == 3
    sizes = [row["parameters"] for row in told["architectures"]]
    assert max(sizes) / min(sizes) <= 1.05 / 0.95
    page = (out / "report.html").read_text()
    assert page.count("<svg") >= 5
    assert result["verdict"] in page
    assert "wsrnas study space --space nb201 --scale smoke" in " ".join(re.sub(r"<[^>]*>", "", page).split())


def test_accuracies_are_those_of_the_networks_kept(finished):
    out, _ = finished
    told = read_json(out / "study.json")
    for place, row in enumerate(told["architectures"]):
        for repeat, wide in enumerate(row["wide"]):
            kept = torch.load(out / "checkpoints" / f"network-{place}-{repeat}.pt", weights_only=True)["right"]
            assert wide == pytest.approx(100 * float(kept[:, 1:].double().mean()))
            assert row["accuracy"][repeat] == pytest.approx(kept.double().mean(dim=0).tolist())
            assert (kept[:, 1:] <= kept[:, :-1]).all()


def test_a_network_that_is_missing_is_trained_again_and_is_the_same(finished):
    out, result = finished
    (out / "checkpoints" / "network-1-1.pt").unlink()
    again = run(scale="smoke", space="nb201", out=out)
    assert again["architectures"] == result["architectures"]
    assert again["verdict"] == result["verdict"]


def test_numbers_that_make_no_study_are_refused():
    config = space_config("smoke", "stages")
    for changes, message in (
        ({"seeds": 1}, "seeds"),
        ({"worth": 0.0}, "worth"),
        ({"multiply_adds": 0}, "multiply_adds"),
    ):
        with pytest.raises(InputError, match=f"^{message}: expected"):
            replace(config, **changes)
    assert isinstance(config, SpaceStudyConfig)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["space", "--space", "dart"], "--space: expected darts or nb201 or stages, got 'dart'; did you mean"),
        (["one-shot", "--space", "darts"], "--space: expected nothing here, got darts"),
        (["space", "--scale", "digits"], "--scale: expected smoke | small | paper, got digits"),
        (["payof"], "study: expected"),
    ],
)
def test_wrong_options_are_refused_and_write_nothing(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["study", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_every_scale_and_space_has_settings_that_fit():
    for space in ("darts", "nb201", "stages"):
        for scale, root in (("smoke", None), ("small", None), ("small", "data"), ("paper", "data")):
            config = space_config(scale, space, root=root)
            assert config.search.evaluator == "trained"
            assert np.isfinite(config.search.labels.learning_rate)

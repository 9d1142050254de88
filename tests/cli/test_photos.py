"""Own pictures, from a folder to a measured network, by the commands that each step prints."""

from __future__ import annotations

import shlex

import pytest
import torch
from PIL import Image

from wsrnas import api
from wsrnas.cli import main
from wsrnas.files import read_json
from wsrnas.rng import stream
from wsrnas.search.result import SearchResult

SMALL = [
    "--data.image_size=8",
    "--spectrum.strengths=2/255,4/255,8/255",
    "--space.name=nb201",
    "--space.channels=2",
    "--training.steps=1",
    "--budget.population=1",
    "--budget.iterations=1",
    "--finalists.count=2",
    "--finalists.epochs=1",
    "--finalists.attack_steps=1",
    "--rivals.count=0",
]


def pictures(root, names, count=12):
    """Write pictures of various sizes whose brightness says their class."""
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            noise = torch.rand(9 + number % 3, 10, 3, generator=stream(place, name, number))
            pixels = (255 * (0.25 * noise + 0.75 * place / len(names))).byte().numpy()
            Image.fromarray(pixels).save(root / name / f"{number:03d}.png")
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    photos = pictures(root / "photos", ["dark", "grey", "light"])
    out = root / "run"
    assert main(["search", "--recipe=photos", f"--data.root={photos}", f"--out={out}", *SMALL]) == 0
    return out


def commands(run):
    text = (run / "README.md").read_text()
    return [shlex.split(line) for line in text.splitlines() if line.startswith("wsrnas ")]


@pytest.mark.slow
def test_the_commands_of_the_card_carry_size_strengths_and_data(run, capsys):
    train, evaluate = commands(run)
    assert train[train.index("--data.image_size") + 1] == "8"
    assert "--loss.settings.eps" not in train, "the middle of the spectrum is what the recipe trains at"
    assert main([*train[1:], "--epochs=1", "--network.channels=2", "--network.layers=3"]) == 0
    assert main([*evaluate[1:], "--suite=fast"]) == 0
    shown = capsys.readouterr().out
    assert "3 classes" in shown
    assert "8/255" in shown
    assert "no test part: a fixed fifth of every class" in shown


@pytest.mark.slow
def test_class_names_travel_with_the_network_and_new_pictures_are_mapped_by_name(run, tmp_path, capsys):
    trained = run.with_name("run-train")
    assert api.load(trained).class_names == ("dark", "grey", "light")
    assert read_json(trained / "network.json")["class_names"] == ["dark", "grey", "light"]
    fewer = pictures(tmp_path / "fewer", ["dark", "light"])
    options = ["--strengths=0", "--suite=fast"]
    assert main(["evaluate", str(trained), f"--data.root={fewer}", f"--out={tmp_path / 'one'}", *options]) == 0
    renamed = pictures(tmp_path / "renamed", ["dark", "white"])
    assert main(["evaluate", str(trained), f"--data.root={renamed}", f"--out={tmp_path / 'two'}", *options]) == 2
    refused = capsys.readouterr().err
    assert "dark, grey, light" in refused
    assert "white" in refused
    assert not (tmp_path / "two").exists()


@pytest.mark.slow
def test_a_winner_that_guesses_is_said_to_guess(run):
    found = SearchResult.read(run)
    assert found.data["classes"] == 3
    worse = {"clean": (1.2, 1.2, 1.2, 1.2), "better": (0.5, 0.7, 0.9, 1.2)}
    from dataclasses import replace

    guess = replace(found, winner=replace(found.winner, verified_losses=worse["clean"]))
    assert "has learned nothing" in guess.learned_nothing
    assert guess.learned_nothing in str(guess)
    assert not replace(found, winner=replace(found.winner, verified_losses=worse["better"])).learned_nothing

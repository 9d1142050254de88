"""The tutorials, followed: each block of a page in its order, in an empty folder, made small."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.traces import ROOT

from wsrnas.cli import main
from wsrnas.rng import stream

BLOCK = re.compile(r'^```(sh|python)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
SMALL = {
    "photos": {
        "search": """--data.image_size=8 --space.name=nb201 --space.channels=2 --training.steps=1
            --budget.population=1 --budget.iterations=1 --finalists.count=2 --finalists.epochs=1
            --finalists.attack_steps=1 --rivals.count=0""",
        "train": "--epochs=1 --network.channels=2 --network.layers=3 --data.image_size=8 --selection.steps=1",
        "evaluate": "--suite=fast",
        "check": "--limit=4",
    },
    "judge": {"evaluate": "--limit=10 --strengths=0,0.15", "check": "--limit=10"},
    "reproduce": {"reproduce": "--workers=1"},
    "attack": {"evaluate": "--limit=10"},
}
"""Added to each command of a page, which is about what it does and not about how long."""

BESIDE = {"runs/beside": " --suite=fast"}
"""By the folder at the end of a command: an honest network needs no more."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("mine", "theirs"):
            del sys.modules[name]


def follow(page: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Do what a page says; return what each command said, by its line."""
    where = ROOT / "docs" / (f"{page}.md" if page == "photos" else f"tutorials/{page}.md")
    blocks = BLOCK.findall(where.read_text())
    assert blocks
    said: dict[str, str] = {}
    for kind, title, text in blocks:
        if title:
            Path(title).parent.mkdir(parents=True, exist_ok=True)
            Path(title).write_text(text)
        elif kind == "python":
            exec(compile(text, str(where), "exec"), {})
            said[text] = capsys.readouterr().out
        else:
            for line in text.splitlines():
                program, command, *rest = shlex.split(line)
                assert program == "wsrnas"
                more = SMALL[page].get(command, "") + BESIDE.get(rest[-1], "")
                code = main([command, *rest, *more.split()])
                told = capsys.readouterr()
                assert code == 0 or (command == "check" and code == 1), told.err
                said[line] = told.out
    return said


def pictures(root: Path, names: list[str], count: int) -> None:
    """Write pictures of various sizes whose brightness says their class."""
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            noise = torch.rand(9 + number % 3, 10, 3, generator=stream(place, name, number))
            pixels = (255 * (0.25 * noise + 0.75 * place / len(names))).byte().numpy()
            Image.fromarray(pixels).save(root / name / f"{number:03d}.png")


def test_an_attack_of_ones_own(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = follow("attack", capsys)
    (compared,) = [text for block, text in said.items() if "decay=0.0" in block]
    assert [line.split()[0] for line in compared.splitlines()] == ["PGD", "Momentum", "Momentum"]
    record = json.loads((desk / "runs" / "momentum" / "eval" / "strict.json").read_text())
    assert any("Momentum" in one for one in record["attacks"].values())


@pytest.mark.slow
def test_photos_to_a_robust_network(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(desk / "photos", ["cat", "dog"], 12)
    pictures(desk / "new-photos", ["dog"], 3)
    said = follow("photos", capsys)
    (names,) = [text for block, text in said.items() if "class_names" in block]
    assert names == "('cat', 'dog')\n"
    (predicted,) = [text for line, text in said.items() if line.startswith("wsrnas predict")]
    assert len(json.loads(predicted)) == 3
    assert (desk / "runs" / "a" / "report.html").is_file()
    assert (desk / "runs" / "new" / "eval" / "strict.json").is_file()


@pytest.mark.slow
def test_judging_a_network_that_boasts(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = follow("judge", capsys)
    (verdict,) = [text for line, text in said.items() if line.startswith("wsrnas check")]
    for sign in ("saturated-logits", "zero-gradient", "vanishing-gradients"):
        assert f"FLAG    {sign}:" in verdict
    curves = {
        name: json.loads((desk / "runs" / name / "eval" / "strict.json").read_text())["accuracy"]
        for name in ("pgd", "judged", "beside")
    }
    assert curves["pgd"][0] == curves["pgd"][1], "PGD alone is deceived"
    assert curves["judged"][1] <= curves["beside"][1] < curves["pgd"][1]


@pytest.mark.slow
def test_reproducing_a_figure(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = follow("reproduce", capsys)
    assert any("lines of" in text for text in said.values())
    assert (desk / "runs" / "figure1" / "report.html").is_file()


def test_each_tutorial_is_followed_by_a_test() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "tutorials").glob("*.md")} | {"photos"}
    assert pages == set(SMALL)

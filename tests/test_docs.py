"""What README and docs promise: code that runs, links that lead somewhere, commands that exist."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from wsrnas import recipes
from wsrnas.attacks import ATTACKS
from wsrnas.cli import COMMANDS, main
from wsrnas.evaluation.checks.flags import FLAGS
from wsrnas.training.losses import LOSSES
from wsrnas.training.schedules import SCHEDULES

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = ("docs/results.md", "docs/speed.md")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page):
    named = re.findall(
        r"(?<!from )\bwsrnas ([a-z]+)\b", " ".join(re.findall(r"`[^`]*`|```.*?```", page.read_text(), re.DOTALL))
    )
    assert set(named) <= set(COMMANDS)


def test_paths_named_in_the_docs_exist():
    for page in PAGES:
        for path in re.findall(r"`(src/[\w/.]+|tests/[\w/.]+)`", page.read_text()):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


@pytest.mark.slow
def test_the_readmes_python_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("[")


def test_the_readme_counts_what_there_is_and_its_numbers_are_those_of_the_docs():
    readme, results, speed = (" ".join((ROOT / path).read_text().split()) for path in ("README.md", *NUMBERS))
    assert f"| {len(FLAGS)} signs, in words |" in readme
    assert f"| attacks | **{len(ATTACKS.names())}** |" in readme
    assert "**79 %** (70.0 to 85.8)" in readme
    assert "79.0 (70.0–85.8)" in results
    assert "**61 s**" in readme
    assert "61 s to search, compare and report" in results
    payoff = " ".join((ROOT / "docs/studies/payoff.md").read_text().split())
    for told, measured in (
        ("2.1 points (0.3 to 3.9)", "+2.11 | +0.33 to +3.93"),
        ("4.9 (3.3 to 6.6)", "+4.93 | +3.25 to +6.61"),
        ("2.0 (−0.4 to 4.2)", "+1.99 | −0.37 to +4.22"),
    ):
        assert told in readme
        assert measured in payoff
    assert "**2.8 times** (2.7 to 3.1)" in readme
    assert "iteration plain 2.83 (2.74-3.08)" in speed


def test_the_readmes_picture_is_that_of_the_network_that_comes_with_the_package():
    spec = importlib.util.spec_from_file_location("readme_picture", ROOT / "benchmarks" / "readme_picture.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    kept = script.OUT.read_text()
    assert "prefers-color-scheme: dark" in kept
    told = re.search(r'aria-label="([^"]+)"', kept)[1]
    assert f'aria-label="{told}"' in script.picture(), "draw it again: python benchmarks/readme_picture.py"
    said = " ".join((ROOT / "README.md").read_text().split())
    for point in script.measured()["spectrum"]:
        assert f"{point['acc']} % ({point['interval'][0]} to {point['interval'][1]}) at {point['eps']}" in told
        assert f"{float(point['acc']):g} % {'at ' + point['eps'] if point['radius'] else 'without noise'}" in said


USE = re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", (ROOT / "docs" / "use.md").read_text(), re.DOTALL | re.MULTILINE)
EXAMPLES = [(title, block) for title, text in USE for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize(("title", "block"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_the_examples_of_using_a_network_run(title, block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(block.strip().splitlines()) <= 12, "ten lines or so"
    exec(compile(block, f"docs/use.md, {title}", "exec"), {})


def test_no_source_file_is_too_long():
    long = {str(path): n for path in (ROOT / "src").rglob("*.py") if (n := len(path.read_text().splitlines())) > 300}
    assert not long


def test_nothing_unfinished_is_shipped():
    for path in (ROOT / "src").rglob("*.py"):
        assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", path.read_text()), path


def test_the_loss_of_ones_own_in_the_docs_trains(tmp_path, monkeypatch):
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "training.md").read_text(), re.DOTALL)
    (tmp_path / "docs_losses.py").write_text(block)
    monkeypatch.chdir(tmp_path)
    sizes = ["--network.channels=2", "--network.layers=3", "--epochs=1", "--selection.steps=1", "--awp.gamma=0.01"]
    limits = ["--data.train_limit=40", "--data.valid_limit=20", "--batch_size=20"]
    chosen = ["--loss.name=docs_losses:Half", "--loss.settings.share=0.7", "--loss.settings.eps=0.1"]
    assert main(["train", "--arch=wsrnet-basic", *sizes, *limits, *chosen, "--out=run"]) == 0
    sys.modules.pop("docs_losses")
    assert "under PGD at 0.1" in (tmp_path / "run" / "report.html").read_text()


def test_the_docs_name_every_recipe_and_setting_of_a_training():
    text = (ROOT / "docs" / "training.md").read_text()
    for name in recipes.names("train"):
        assert f"`{name}`" in text or name == "pgd7-cifar10-small"
    for parts in (LOSSES, SCHEDULES):
        for name in parts.names():
            (row,) = re.findall(rf"^\| `{name}` \| ([^|]*) \|$", text, re.MULTILINE)
            named = re.findall(r"\b[a-z_]+\b", re.sub(r"\(.*?\)", "", row))
            assert named == list(parts.settings(name, argument=name)), name

"""The example notebook runs from top to bottom, and the image would be built from files that are there."""

from __future__ import annotations

import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from tests.traces import ROOT

from wsrnas.cli.parser import parser_of

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
DOCKER = (ROOT / "Dockerfile").read_text()


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.slow
def test_a_notebook_runs_in_its_order(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells(notebook, "code")):
        exec(compile("".join(cell["source"]), f"{notebook.name}, code cell {number + 1}", "exec"), names)
    said = capsys.readouterr().out
    assert "flagged: nothing" in said
    assert said.endswith("True\n")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_its_links_lead_somewhere(notebook: Path) -> None:
    assert notebook.stat().st_size < 50_000
    for cell in cells(notebook, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    for cell in cells(notebook, "markdown"):
        for target in re.findall(r"\]\(([^)#]+)\)", "".join(cell["source"])):
            assert (notebook.parent / target).exists(), target


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKER, re.MULTILINE)


def test_every_file_that_the_image_copies_is_there_and_is_sent_to_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = {source for line in instructions("COPY") for source in shlex.split(line)[:-1]}
    assert lines[0] == "*", "everything is left out but what is named"
    assert copied == kept
    for source in copied:
        assert (ROOT / source).exists(), source
    needed = set(re.findall(r'"?(README\.md|LICENSE|src)\b', (ROOT / "pyproject.toml").read_text()))
    assert needed | {"pyproject.toml"} <= copied, "the package is built from these"
    assert not any(fnmatch(source, line) for source in copied for line in lines[1:] if not line.startswith("!"))


def test_the_image_runs_the_first_command_of_the_readme() -> None:
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
    words = [*json.loads(entry), *json.loads(command)]
    assert words[0] == "wsrnas"
    assert f"/{shlex.join(words)}\n" in (ROOT / "README.md").read_text()
    assert set(words[2:]) & set(parser_of(words[1]).described_options()) == {"--recipe"}


def test_the_image_is_a_python_that_is_tested_and_names_no_other_place() -> None:
    (image,) = instructions("FROM")
    name, version = image.split(":")
    assert name == "python"
    assert f'"{version.removesuffix("-slim")}"' in (ROOT / ".github" / "workflows" / "check.yml").read_text()
    assert "://" not in DOCKER

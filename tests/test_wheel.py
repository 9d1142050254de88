"""What is installed from the built wheel works away from the sources: recipes, cards and templates are inside."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def ran(*command: str, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_everything_and_runs(tmp_path: Path) -> None:
    ran(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT), cwd=tmp_path)
    (wheel,) = tmp_path.glob("wsrnas-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "wsrnas").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= inside
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in inside)

    ran(sys.executable, "-m", "venv", str(tmp_path / "env"), cwd=tmp_path)
    python = str(tmp_path / "env" / "bin" / "python")
    ran(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel), cwd=tmp_path)
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    # The dependencies of the environment at hand, but not its editable install of the sources.
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    where = ran(python, "-c", "import wsrnas; print(wsrnas.__file__)", cwd=tmp_path)
    assert where.startswith(str(site))
    wsrnas = str(tmp_path / "env" / "bin" / "wsrnas")
    assert "photos" in ran(wsrnas, "recipes", cwd=tmp_path)
    assert "racl" in ran(wsrnas, "zoo", "list", cwd=tmp_path).lower()
    tiny = ["--network.channels=2", "--network.layers=3", "--epochs=1", "--data.train_limit=40", "--batch_size=20"]
    limits = ["--data.valid_limit=20", "--selection.steps=1"]
    ran(wsrnas, "train", "--arch=racl", "--recipe=pgd-digits", *tiny, *limits, "--out=run", cwd=tmp_path)
    assert (tmp_path / "run" / "report.html").is_file()

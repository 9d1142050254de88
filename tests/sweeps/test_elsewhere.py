"""The command and its clusters: what is missing is one sentence; runs are really done, once, and failures named."""

import subprocess
import sys

import pytest

from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.sweeps.sweep import sweep

PLAN = {"command": "train", "architectures": "advrush"}


@pytest.mark.parametrize(("place", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_package_is_said_and_nothing_is_made(tmp_path, monkeypatch, place, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        InputError, match=rf"--on: expected .* got no package {package}; pip install 'wsrnas\[{place}\]'"
    ):
        sweep(PLAN, out=tmp_path / "sweep", on=place)
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan.yaml", "--out", "a", "--on", "slrum"], "--on: expected one of local, ray, slurm, got slrum; did you"),
        (["plan.yaml", "--out", "a", "--workers", "0"], "--workers: expected at least 1, got 0"),
        (["plan.yaml"], "--out: expected a folder, got nothing"),
        ([], "PLAN: expected a YAML file, got nothing"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text("command: train\narchitectures: advrush\n")
    assert main(["sweep", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_a_dry_run_lists_the_runs_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text("command: train\narchitectures: advrush\nsettings: {epochs: [1, 2]}\n")
    assert main(["sweep", "plan.yaml", "--out", "a", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("  waiting  epochs 1")
    assert not (tmp_path / "a").exists()


def test_a_worker_of_a_cluster_need_not_import_torch():
    code = "import sys, wsrnas.sweeps.attempt, wsrnas.sweeps.slurm; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.long
def test_runs_are_done_once_and_the_refused_one_is_named(tmp_path):
    plan = {
        "command": "train",
        "architectures": "advrush",
        "seeds": [0],
        "settings": {
            "epochs": 1,
            "data": {"train_limit": 40, "valid_limit": 20},
            "network": {"channels": 2, "layers": 3},
            "batch_size": [20, 1],
            "selection.steps": 1,
        },
    }
    found = sweep(plan, out=tmp_path / "sweep")
    assert [line.outcome.state for line in found.lines] == ["done", "failed"]
    assert not found.ok
    assert "batch_size" in found.lines[1].outcome.message
    result = tmp_path / "sweep" / "runs" / found.lines[0].run.name / "result.json"
    before = result.stat().st_mtime_ns
    sweep(plan, out=tmp_path / "sweep")
    assert result.stat().st_mtime_ns == before

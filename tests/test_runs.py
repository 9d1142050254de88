"""The run folder: resuming, refusing, and surviving full disks, damaged files and a second process."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from wsrnas import files
from wsrnas.errors import InputError
from wsrnas.files import read_lines, write_atomic
from wsrnas.runs import RunFolder

CONFIG = {"seed": 0, "data": {"name": "digits", "limits": [1, 2]}}


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.open(tmp_path / "run", kind="search", config=CONFIG)
    yield folder
    folder.close()


def test_a_new_folder_holds_settings_and_environment(run):
    assert "seed: 0" in (run.path / "config.yaml").read_text()
    env = json.loads((run.path / "env.json").read_text())
    assert env["kind"] == "search"
    assert env["torch"] == torch.__version__


def test_a_checkpoint_comes_back_and_cuts_the_logs(run):
    run.log(step=1)
    with run.timed("work"):
        pass
    run.save_checkpoint({"weights": torch.arange(3.0), "step": 1})
    run.log(step=2)
    with run.timed("work"):
        pass
    state = run.load_checkpoint()
    assert torch.equal(state["weights"], torch.arange(3.0))
    assert run.lines() == [{"step": 1}]
    assert len(run.lines("timings.jsonl")) == 1


def test_without_a_checkpoint_the_logs_start_anew(run):
    run.log(step=1)
    assert run.load_checkpoint() is None
    assert run.lines() == []


def test_the_same_settings_resume_and_others_are_named(run):
    run.close()
    RunFolder.open(run.path, kind="search", config=CONFIG).close()
    with pytest.raises(InputError, match=r"got others for data.name \(was 'digits', now 'svhn'\), seed \(was 0, now 1"):
        RunFolder.open(run.path, kind="search", config={"seed": 1, "data": {"name": "svhn", "limits": [1, 2]}})
    with pytest.raises(InputError, match=r"--out: expected a train run, got .*, a search run; choose another --out"):
        RunFolder.open(run.path, kind="train", config=CONFIG)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="--out: expected a new folder or a wsrnas run"):
        RunFolder.open(tmp_path, kind="search", config=CONFIG)
    with pytest.raises(InputError, match="--out: expected a folder"):
        RunFolder.open(tmp_path / "thesis.txt", kind="search", config=CONFIG)
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_truncated_checkpoint_says_how_to_go_on(run, keep):
    run.save_checkpoint({"step": 1, "weights": torch.zeros(100)})
    run.save_checkpoint({"step": 2, "weights": torch.zeros(100)})
    last = run.path / "checkpoints" / "last.pt"
    last.write_bytes(last.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"last.pt: the checkpoint is damaged .*; to go on: mv .*previous.pt"):
        run.load_checkpoint()
    (run.path / "checkpoints" / "previous.pt").replace(last)
    assert run.load_checkpoint()["step"] == 1


def test_the_first_checkpoint_damaged_starts_anew(run):
    run.save_checkpoint({"step": 1})
    last = run.path / "checkpoints" / "last.pt"
    last.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"to go on: rm .*last.pt, which starts this run anew"):
        run.load_checkpoint()


def test_a_full_disk_leaves_the_old_file_and_no_scraps(run, monkeypatch):
    run.save_checkpoint({"step": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match=r"last.pt: the disk is full; what was written before is intact"):
        run.save_checkpoint({"step": 2})
    monkeypatch.undo()
    assert run.load_checkpoint() == {"step": 1}
    assert not list(run.path.rglob("*.tmp"))


def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(InputError, match=r"cannot be written .*; choose another --out"):
        write_atomic(blocker / "inside" / "x.json", "{}")


def test_a_half_written_last_line_is_no_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"a": 1}\n{"a": 2')
    assert read_lines(path) == [{"a": 1}]
    assert read_lines(tmp_path / "absent.jsonl") == []


def test_a_second_process_is_refused(run):
    code = (
        "import sys\nfrom wsrnas.runs import RunFolder\nfrom wsrnas.errors import InputError\n"
        f"try: RunFolder.open({str(run.path)!r}, kind='search', config={CONFIG!r})\n"
        "except InputError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "is in use by another wsrnas process" in done.stdout


def test_settings_that_are_not_yaml_are_refused(run):
    run.close()
    Path(run.path / "config.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"config.yaml: not YAML"):
        RunFolder.open(run.path, kind="search", config=CONFIG)

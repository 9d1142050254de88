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
from wsrnas.runs.lock import held

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


def test_a_lock_that_is_a_link_is_refused_and_what_it_points_to_stays(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".lock").symlink_to(precious)
    for opened in (lambda: RunFolder.open(folder, kind="search", config=CONFIG), lambda: held(folder).__enter__()):
        with pytest.raises(InputError):
            opened()
    assert precious.read_text() == "mine"


def test_settings_that_are_not_yaml_are_refused(run):
    run.close()
    Path(run.path / "config.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"config.yaml: not YAML"):
        RunFolder.open(run.path, kind="search", config=CONFIG)


def save_raw(run, value):
    path = run.path / "checkpoints" / "last.pt"
    path.parent.mkdir(exist_ok=True)
    torch.save(value, path)
    return path


@pytest.mark.parametrize(
    "saved",
    [
        {"state": {}, "log_sizes": {"../precious.txt": 0}},
        {"state": {}, "log_sizes": {"config.yaml": 0}},
        {"state": {}, "log_sizes": {"metrics.jsonl": -1}},
        {"state": {}, "log_sizes": {"metrics.jsonl": 2**60}},
        {"state": {}, "log_sizes": {"metrics.jsonl": float("nan")}},
        {"state": {}, "log_sizes": {"metrics.jsonl": True}},
        {"state": {}, "log_sizes": [0]},
        {"state": [1], "log_sizes": {}},
        {"log_sizes": {}},
        [1],
        torch.zeros(3),
    ],
)
def test_a_checkpoint_of_another_content_changes_nothing(run, saved):
    precious = run.path.parent / "precious.txt"
    precious.write_text("years of work")
    run.log(step=1)
    path = save_raw(run, saved)
    with pytest.raises(InputError, match=r"last.pt: the checkpoint is damaged \(\w+\); to go on: rm .*last.pt"):
        run.load_checkpoint()
    assert path.is_file()
    assert precious.read_text() == "years of work"
    assert "seed: 0" in (run.path / "config.yaml").read_text()
    assert run.lines() == [{"step": 1}]


def test_a_state_that_its_run_cannot_take_leaves_the_logs(run):
    run.save_checkpoint({"epoch": 1})
    run.log(step=1)
    with pytest.raises(InputError, match=r"the checkpoint is damaged \(KeyError\)"):
        run.load_checkpoint(restore=lambda state: state["weights"])
    assert run.lines() == [{"step": 1}]
    taken = []
    assert run.load_checkpoint(restore=taken.append) == {"epoch": 1}
    assert taken == [{"epoch": 1}]
    assert run.lines() == []


def test_a_log_that_is_a_link_is_not_cut(run):
    precious = run.path.parent / "precious.txt"
    precious.write_text("years of work")
    (run.path / "metrics.jsonl").symlink_to(precious)
    with pytest.raises(InputError, match=r"metrics.jsonl: expected a file, got a link to .*precious.txt"):
        run.load_checkpoint()
    assert precious.read_text() == "years of work"


def test_a_file_system_without_hard_links_keeps_the_checkpoint_before(run, monkeypatch):
    def refused(source, target):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("wsrnas.runs.folder.os.link", refused)
    run.save_checkpoint({"step": 1})
    run.save_checkpoint({"step": 2})
    assert run.load_checkpoint("previous") == {"step": 1}
    assert run.load_checkpoint() == {"step": 2}
    assert not (run.path / "checkpoints" / ".previous.link").exists()


def test_what_a_killed_write_left_goes_and_what_others_left_stays(run):
    run.close()
    (run.path / "checkpoints").mkdir()
    ours = [run.path / ".env.json.123.wsrnas.tmp", run.path / "checkpoints" / ".last.pt.123.wsrnas.tmp"]
    theirs = [run.path / ".notes.tmp", run.path / ".a.wsrnas.tmp"]
    for path in (*ours, *theirs):
        path.write_text("x")
    RunFolder.open(run.path, kind="search", config=CONFIG).close()
    assert [path.exists() for path in (*ours, *theirs)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[1, 2]", r"config.yaml: expected settings as a YAML mapping, got \[1, 2\]; restore the file"),
        (b"", "expected settings as a YAML mapping, got None"),
        (b"seed: !!python/object/apply:os.system ['touch hacked']", "not YAML .*python/object/apply"),
        (b"seed: \xff\xfe", r"cannot be read as UTF-8 text \(byte 0xff at position 6\); restore the file"),
        (b"seed: 2001-99-99", "not YAML"),
        (b"[" * 5000, "not YAML"),
        (b"a: &a [1,1,1,1,1,1,1,1,1,1]\n" + b"".join(
            b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(12)
        ), "expected at most 100,000 settings, got more, through aliases"),
        (b"#" * (2**20 + 1), "expected at most 1 MiB of text, got more"),
    ],
)  # fmt: skip
def test_settings_that_are_not_settings_are_refused(run, content, message, tmp_path):
    run.close()
    (run.path / "config.yaml").write_bytes(content)
    with pytest.raises(InputError, match=message):
        RunFolder.open(run.path, kind="search", config=CONFIG)
    assert (run.path / "config.yaml").read_bytes() == content
    assert not (tmp_path / "hacked").exists()


def test_a_byte_order_mark_is_no_part_of_the_settings(run):
    run.close()
    path = run.path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    RunFolder.open(run.path, kind="search", config=CONFIG).close()


def test_a_garbage_line_is_named(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for line, message in (
        ("garbage", r"metrics.jsonl: line 2: damaged \(Expecting value.*\); restore the file"),
        ("[1]", "line 2: expected a JSON object, got list"),
        ("[" * 100_000, "line 2: damaged"),
        ("9" * 5000, "line 2: "),
    ):
        path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 3}}\n')
        with pytest.raises(InputError, match=message):
            read_lines(path)


def test_a_name_longer_than_a_file_system_allows_is_explained(tmp_path):
    with pytest.raises(InputError, match="cannot be written .File name too long.; choose another --out"):
        RunFolder.open(tmp_path / ("x" * 400), kind="search", config=CONFIG)
    long = tmp_path / ("x" * 250)
    write_atomic(long, "text")
    assert long.read_text() == "text"


@pytest.mark.parametrize("name", ["../other", "/etc", 3, None, "a\0b"])
def test_names_in_files_stay_inside_the_folder(name, tmp_path):
    with pytest.raises(InputError, match="expected names of places inside the folder, got"):
        files.inside(tmp_path, name)
    assert files.inside(tmp_path, "strict/0a1b") == tmp_path / "strict" / "0a1b"

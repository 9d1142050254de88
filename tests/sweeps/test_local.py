"""Runs on this machine: several at once, a killed one again, failures told, and nothing left on Ctrl-C."""

import os
import subprocess
import sys
import time

import pytest

from wsrnas.errors import InputError
from wsrnas.sweeps import local
from wsrnas.sweeps.folder import SweepFolder
from wsrnas.sweeps.plan import read_plan

SCRIPT = """
import os, pathlib, signal, sys, time
name, how, folder = sys.argv[1:]
tries = pathlib.Path(folder, f"{name}.tries")
before = len(tries.read_text()) if tries.exists() else 0
tries.write_text("x" * (before + 1))
if how == "refused":
    print("error: data.root: expected a folder, got none", file=sys.stderr)
    sys.exit(2)
if how == "broken":
    1 / 0
if how == "killed" or (how == "killed once" and not before):
    os.kill(os.getpid(), signal.SIGKILL)
if how == "endless":
    time.sleep(60)
sys.exit({"elsewhere": 75, "stopped": 130}.get(how, 0))
"""
"""Stands for the process of a run: ends as it is told to, at once."""


@pytest.fixture
def ways(tmp_path, monkeypatch):
    """Make runs of a plan end in given ways, two at a time, and return how each ended, in order."""

    def ended(*hows, stop_after=None):
        plan = read_plan({"command": "train", "architectures": "advrush", "seeds": list(range(len(hows)))})
        runs, folder, found, processes = plan.runs(), SweepFolder.open(tmp_path / "sweep", plan), [], []
        by_name = dict(zip((run.name for run in runs), hows))

        def start(run, folder, environment, *, modules):
            assert environment["OMP_NUM_THREADS"] == "1"
            with folder.log(run.name).open("ab") as log:
                command = [sys.executable, "-c", SCRIPT, run.name, by_name[run.name], str(tmp_path)]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))
            assert sum(process.poll() is None for process in processes) <= 2
            return processes[-1]

        def on_end(outcome):
            found.append(outcome)
            if len(found) == stop_after:
                raise KeyboardInterrupt

        monkeypatch.setattr(local, "start", start)
        try:
            local.run_local(runs, folder, 2, on_end)
        finally:
            assert all(process.poll() is not None for process in processes)
        place = {run.name: place for place, run in enumerate(runs)}
        found.sort(key=lambda outcome: place[outcome.name])
        tries = [len((tmp_path / f"{run.name}.tries").read_text()) for run in runs]
        return found, tries

    return ended


def test_every_run_ends_in_its_own_way(ways):
    found, tries = ways("done", "refused", "broken", "killed", "killed once", "elsewhere", "stopped")
    states = ["done", "failed", "failed", "failed", "done", "elsewhere", "stopped"]
    assert [outcome.state for outcome in found] == states
    assert tries == [1, 1, 1, 3, 2, 1, 1], "only what was killed is tried again, twice at most"
    assert found[1].message == "data.root: expected a folder, got none"
    assert found[2].message.startswith("ZeroDivisionError: division by zero (see ")
    assert "signal 9" in found[3].message
    assert found[5].message == "another sweep is working on it"


def test_ctrl_c_leaves_no_process(ways):
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ways("endless", "done", "done", stop_after=1)
    assert time.monotonic() - started < 15


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    plan = read_plan({"command": "train", "architectures": "advrush"})
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="--out: expected a new folder or a sweep, got .*, which holds other files"):
        SweepFolder.open(tmp_path, plan)
    with pytest.raises(InputError, match="--out: expected a folder, got .*thesis.tex"):
        SweepFolder.open(tmp_path / "thesis.tex", plan)
    assert os.listdir(tmp_path) == ["thesis.tex"]

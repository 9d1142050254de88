"""A test that leaves something behind is found out."""

import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest
import torch
from matplotlib import pyplot
from tests.traces import left_behind, traces


def set_variable(folder, undo):
    os.environ["LEFT_BEHIND"] = "yes"
    undo(lambda: os.environ.pop("LEFT_BEHIND"))


def unset_variable(folder, undo):
    path = os.environ.pop("PATH")
    undo(lambda: os.environ.__setitem__("PATH", path))


def write_file(folder, undo):
    (folder / "stray.txt").touch()


def remove_file(folder, undo):
    (folder / "kept.txt").unlink()


def change_folder(folder, undo):
    before = Path.cwd()
    os.chdir(folder.parent)
    undo(lambda: os.chdir(before))


def start_thread(folder, undo):
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    undo(thread.join)
    undo(ended.set)


def start_process(folder, undo):
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    process.start()
    undo(process.join)
    undo(process.kill)


def set_dtype(folder, undo):
    torch.set_default_dtype(torch.float64)
    undo(lambda: torch.set_default_dtype(torch.float32))


def open_figure(folder, undo):
    pyplot.figure()
    undo(lambda: pyplot.close("all"))


@pytest.mark.parametrize(
    ("leave", "kind"),
    [
        (set_variable, "environment"),
        (unset_variable, "environment"),
        (write_file, "files"),
        (remove_file, "files"),
        (change_folder, "folder"),
        (start_thread, "threads"),
        (start_process, "processes"),
        (set_dtype, "settings"),
        (open_figure, "figures"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_kind_of_trace_is_seen(leave, kind, tmp_path, request):
    (tmp_path / "kept.txt").touch()
    before = traces((tmp_path,))
    assert left_behind(before, traces((tmp_path,))) == {}
    leave(tmp_path, request.addfinalizer)
    assert list(left_behind(before, traces((tmp_path,)))) == [kind]


def test_a_thread_that_has_ended_is_no_trace(tmp_path):
    before = traces((tmp_path,))
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert left_behind(before, traces((tmp_path,))) == {}

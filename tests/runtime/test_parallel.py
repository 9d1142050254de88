"""Independent work gives the same results in several processes as in one, and leaves none of them behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tests.runtime import work

from wsrnas.errors import InputError
from wsrnas.runtime import RuntimeConfig
from wsrnas.runtime.parallel import WorkError, each
from wsrnas.runtime.workers import workers_for

TWO = RuntimeConfig(device="cpu", workers=2)
ONE = RuntimeConfig(device="cpu", workers=1)
ENDLESS = """
from pathlib import Path
from tests.runtime.work import endless
from wsrnas.runtime import RuntimeConfig
from wsrnas.runtime.parallel import each
each(endless, {"a": Path("."), "b": Path(".")}, config=RuntimeConfig(device="cpu", workers=2), common=dict)
"""


@pytest.fixture(autouse=True)
def no_modules_of_other_tests(monkeypatch):
    monkeypatch.setattr("wsrnas.parts._USER_MODULES", {})


def test_two_processes_give_the_results_of_one_bit_for_bit_and_in_order():
    items, told = {f"seed {seed}": seed for seed in range(4)}, []
    together = each(work.sums, items, config=TWO, common=work.load, on_done=told.append)
    assert told[-1] == "seed 0"
    alone = each(work.sums, items, config=ONE, common=work.load)
    assert list(together) == list(alone) == list(items) == sorted(told)
    for name in items:
        assert torch.equal(together[name][0], alone[name][0])
    assert {(threads, process) for _, threads, process, _ in alone.values()} == {(1, os.getpid())}
    processes = {process for _, _, process, _ in together.values()}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert {(threads, own) for _, threads, _, own in together.values()} == {(1, 1)}, "workers have none of their own"


def test_what_this_process_has_is_not_made_again():
    numbers = torch.zeros(64)
    assert each(work.sums, {"a": 1}, config=ONE, common=work.load, here=numbers)["a"][0].abs().sum() == 0


@pytest.mark.parametrize(
    ("config", "how", "kind", "message"),
    [
        (ONE, "refused", InputError, "^b: strengths: expected at least one, got none$"),
        pytest.param(
            TWO, "refused", InputError, "^b: strengths: expected at least one, got none$", marks=pytest.mark.slow
        ),
        (ONE, "broken", WorkError, "^b: ZeroDivisionError: "),
        pytest.param(TWO, "broken", WorkError, "^b: ZeroDivisionError: ", marks=pytest.mark.slow),
        (TWO, "killed", InputError, "^b: its process was ended from outside, .*; run the same command again"),
    ],
)
def test_an_error_names_its_item(config, how, kind, message):
    with pytest.raises(kind, match=message):
        each(work.unhappy, {"a": "fine", "b": how}, config=config, common=dict)


@pytest.mark.parametrize(
    # Ctrl-C once waited for ever where processes were many times more than cores, before it was taken between looks.
    "sent",
    [pytest.param(signal.SIGINT, marks=pytest.mark.long), pytest.param(signal.SIGKILL, marks=pytest.mark.slow)],
)
def test_no_process_outlives_the_one_that_started_it(tmp_path, sent):
    started = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    workers = []
    while len(workers) < 2 and started.poll() is None:
        time.sleep(0.05)
        workers = [int(path.name) for path in tmp_path.iterdir()]
    (os.killpg if sent == signal.SIGINT else os.kill)(started.pid, sent)
    said = started.communicate(timeout=30)[1]
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers) == 2
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    if sent == signal.SIGINT:
        assert said.count("Traceback") == 1, said
        assert said.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize(
    ("settings", "items", "expected"),
    [
        ({}, 5, (4, 1)),
        ({}, 3, (3, 1)),
        ({}, 1, (1, 1)),
        ({"threads": 2}, 5, (2, 2)),
        ({"threads": 8}, 5, (1, 8)),
        ({"workers": 3}, 5, (3, 1)),
        ({"workers": 1, "threads": 2}, 5, (1, 2)),
    ],
)
def test_processes_and_threads_fill_four_cores(monkeypatch, settings, items, expected):
    monkeypatch.setattr("wsrnas.runtime.workers.cpu_count", lambda: 4)
    found = workers_for(RuntimeConfig(device="cpu", **settings), items)
    assert (found.count, found.threads) == expected


def test_each_cuda_device_has_one_worker(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("wsrnas.runtime.workers.cpu_count", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    found = workers_for(RuntimeConfig(device="cuda"), 7)
    assert (found.count, found.threads) == (2, 4)
    assert [found.environment(place)["CUDA_VISIBLE_DEVICES"] for place in range(2)] == ["2", "5"]
    assert workers_for(RuntimeConfig(device="cuda", workers=4), 7).environment(3)["CUDA_VISIBLE_DEVICES"] == "5"


def test_a_process_of_a_launch_works_alone(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert workers_for(TWO, 5).here

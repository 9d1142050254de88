"""Processes that share batches come to what one process comes to; what one of them is told, all know."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.runtime.shared_work import WORK
from tests.several import LEFT, TORCHRUN, environment

from wsrnas.errors import InputError
from wsrnas.runtime.launch import cluster, local_size
from wsrnas.runtime.shares import Share, share_of, sharing

SCRIPT = str(Path(__file__).with_name("shared_work.py"))


@pytest.fixture(scope="module", params=[2, 3])
def shared(request, tmp_path_factory):
    """What so many processes come to, by the name of the work."""
    file = tmp_path_factory.mktemp("shared") / "found.pt"
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, *TORCHRUN, f"--nproc-per-node={request.param}", SCRIPT, str(file)]
    done = subprocess.run(
        command, env=environment(PYTHONPATH=paths), capture_output=True, text=True, check=False, timeout=LEFT
    )
    assert done.returncode == 0, done.stderr
    return torch.load(file)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORK)
def test_processes_come_to_what_one_does(shared, name):
    one = WORK[name]()
    assert shared[name].keys() == one.keys()
    for key, value in one.items():
        torch.testing.assert_close(
            shared[name][key], value, rtol=2e-4, atol=2e-5, msg=lambda text, key=key: f"{name}, {key}: {text}"
        )


@pytest.mark.parametrize("name", ["told", "pgd", "BatchNorm2d"])
def test_one_process_does_the_same_again(name):
    first, again = WORK[name](), WORK[name]()
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_one_process_keeps_whole_batches():
    batch, mean = torch.arange(5), torch.tensor(2.0)
    with sharing(5) as share:
        assert share.of(batch) is batch
        assert share.weighted(mean) is mean
        assert share.counted


@pytest.mark.parametrize("whole", [2, 5, 6, 7, 100])
def test_parts_make_up_the_batch_and_weigh_what_they_hold(monkeypatch, whole):
    from wsrnas.runtime import processes

    monkeypatch.setattr(processes, "size", lambda: 3)
    rows, weights, counted = [], [], []
    for rank in range(3):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        share = share_of(whole)
        assert isinstance(share, Share)
        rows.append(share.of(torch.arange(whole)).tolist())
        weights.append(float(share.weighted(torch.tensor(1.0))))
        counted.append(share.counted)
    assert sum(weights) == pytest.approx(1)
    if whole < 3:
        assert rows == [[0, 1]] * 3
        assert counted == [True, False, False]
    else:
        assert [row for part in rows for row in part] == list(range(whole))
        assert max(map(len, rows)) - min(map(len, rows)) <= 1
        assert counted == [True] * 3


def test_the_launcher_is_read(monkeypatch):
    for name in ("WORLD_SIZE", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    assert cluster() is None
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    assert cluster() is None, "a step of one task in a larger job works alone"
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    with pytest.raises(InputError, match="srun: expected --ntasks-per-node, got --ntasks alone"):
        cluster()
    for name, value in {"SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": "3", "SLURM_LOCALID": "1"}.items():
        monkeypatch.setenv(name, value)
    found = cluster()
    assert (found.global_rank(), found.local_rank(), found.world_size(), local_size(found)) == (3, 1, 4, 2)
    for name, value in {"WORLD_SIZE": "8", "RANK": "5", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    found = cluster()
    assert (found.global_rank(), found.local_rank(), found.world_size(), local_size(found)) == (5, 1, 8, 4)

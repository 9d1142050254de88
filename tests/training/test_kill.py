"""A training killed at random moments and started again ends, bit for bit, as one that was never killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("kill_driver.py")


def killed_and_whole(folder: Path, *, epochs: int, kills: int, seed: int) -> list[tuple[int, int]]:
    command = [sys.executable, str(DRIVER), str(folder), str(epochs), str(kills), str(seed)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("model.safetensors", "metrics.jsonl", "network.json", "result.json"):
        assert (folder / "killed" / name).read_bytes() == (folder / "whole" / name).read_bytes(), name
    return [tuple(position) for position in json.loads(done.stdout)]


def test_kills_change_nothing(tmp_path):
    positions = killed_and_whole(tmp_path, epochs=4, kills=3, seed=0)
    assert positions[-1] > (0, 0)
    assert len((tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()) == 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_many_kills_change_nothing(tmp_path, seed):
    positions = killed_and_whole(tmp_path, epochs=20, kills=24, seed=seed)
    assert len(set(positions)) > 4
    assert any(step > 0 for _, step in positions)

"""Two processes that share every batch train the same network as one, up to rounding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from wsrnas.files import read_lines

DRIVER = str(Path(__file__).with_name("process_driver.py"))
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]


@pytest.mark.slow
def test_two_processes_train_the_network_of_one(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name, command in (("one", [sys.executable]), ("two", TORCHRUN)):
        command = [*command, DRIVER, str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-3, atol=1e-4)
    for mine, theirs in zip(*(read_lines(tmp_path / name / "metrics.jsonl") for name in ("one", "two"))):
        assert mine["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-3)
        assert mine["held_out_accuracy"] == pytest.approx(theirs["held_out_accuracy"], abs=0.01)

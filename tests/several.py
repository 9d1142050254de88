"""Run a command in several processes on this machine, as torchrun and srun do, and look at what they write."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

TORCHRUN = ["-m", "torch.distributed.run", "--standalone"]
LEFT = 400.0
"""Seconds after which a command counts as hung."""


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def command(count: int, *arguments: object) -> list[str]:
    """Return the command line that starts so many processes; one is started without a launcher."""
    launcher = [*TORCHRUN, f"--nproc-per-node={count}"] if count > 1 else []
    return [sys.executable, *launcher, "-m", "wsrnas", *map(str, arguments)]


def run(count: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command in so many processes to its end."""
    return subprocess.run(
        command(count, *arguments), capture_output=True, text=True, env=environment(), check=False, timeout=LEFT
    )


def succeed(count: int, *arguments: object) -> str:
    """Run a command in so many processes and return what it printed."""
    done = run(count, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kill_when(reached: Callable[[], bool], count: int, *arguments: object, by: int = signal.SIGKILL) -> int:
    """Run a command until something is reached, then send a signal to all its processes; return the launcher's code."""
    process = subprocess.Popen(
        command(count, *arguments), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + LEFT
    while not reached() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None, "it ended before it could be killed"
    family = [process.pid, *below(process.pid)]  # torchrun's workers have sessions of their own
    for one in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, by)
    code = process.wait(timeout=LEFT)
    while any(map(runs, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, family)), "it went on after the signal"
    return code


def below(parent: int) -> list[int]:
    """Return the processes that one has started, and those that they have."""
    try:
        own = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return []
    return [process for child in map(int, own) for process in (child, *below(child))]


def runs(process: int) -> bool:
    """Return whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def srun(count: int, *arguments: object) -> list[subprocess.CompletedProcess[str]]:
    """Start so many processes with the variables that srun gives to the tasks of one step; return them all, ended."""
    started = []
    for rank in range(count):
        variables = {
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_JOB_NAME": "test",
            "SLURM_NTASKS": str(count),
            "SLURM_NTASKS_PER_NODE": str(count),
            "SLURM_STEP_NUM_TASKS": str(count),
            "SLURM_NNODES": "1",
            "SLURM_NODELIST": "127.0.0.1",
            "SLURM_NODEID": "0",
            "SLURM_PROCID": str(rank),
            "SLURM_LOCALID": str(rank),
        }
        started.append(
            subprocess.Popen(
                command(1, *arguments),
                env=environment(**variables),
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
    done = []
    for process in started:
        out, err = process.communicate(timeout=LEFT)
        done.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return done


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files of a folder by their places in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }

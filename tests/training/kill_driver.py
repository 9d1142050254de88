"""Train once undisturbed, then again with SIGKILL at random moments. A program of its own, run by test_kill.py.

Usage: kill_driver.py FOLDER EPOCHS KILLS SEED. Writes FOLDER/whole and FOLDER/killed, and prints the (epoch, step) of
the checkpoint that each kill left behind.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from made_network import MadeNetwork
from torch import nn

from wsrnas.data import DataBundle, DataConfig, load_data
from wsrnas.parts import PartConfig
from wsrnas.runtime import RuntimeConfig
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.train import train


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def config(epochs: int = 4) -> TrainConfig:
    return TrainConfig(
        data=DataConfig(name="digits", valid_fraction=0.2),
        loss=PartConfig(name="pgd", settings={"eps": 0.1, "steps": 2}),
        selection=SelectionConfig(steps=2, images=64),
        runtime=RuntimeConfig(device="cpu", threads=1),
        epochs=epochs,
        batch_size=64,
        ema=0.9,
        checkpoint_every=5,
    )


def run(out: str, epochs: int, data: DataBundle | None = None) -> None:
    train(config(epochs), MadeNetwork(name="tiny", factory=network), out, data=data)


def started(out: str, epochs: int, data: DataBundle) -> int:
    process = os.fork()
    if process == 0:
        status = 1
        try:
            run(out, epochs, data)
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    return process


def checkpoint(out: str) -> Path:
    return Path(out) / "checkpoints" / "last.pt"


def position(out: str) -> tuple[int, int]:
    if not checkpoint(out).is_file():
        return (0, 0)
    state = torch.load(checkpoint(out), weights_only=True)["state"]
    return (state["epoch"], state["step"])


def age(out: str) -> int:
    return checkpoint(out).stat().st_mtime_ns if checkpoint(out).is_file() else 0


def main() -> None:
    torch.set_num_threads(1)
    folder, epochs, kills, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    data = load_data(config().data, config().seed)
    assert data.fingerprint  # read once, here: kills are to hit the training, not the loading
    assert os.waitpid(started(f"{folder}/whole", epochs, data), 0)[1] == 0
    out, draws, positions = f"{folder}/killed", random.Random(seed), []
    for kill in range(kills):
        before, process = age(out), started(out, epochs, data)
        delay, ended = draws.uniform(0.0, 0.4), 0
        while kill % 2 and age(out) == before and not ended:
            time.sleep(0.005)  # every second kill waits for a new checkpoint, so that the training moves on
            ended = os.waitpid(process, os.WNOHANG)[0]
        if not ended:
            time.sleep(delay)
            os.kill(process, signal.SIGKILL)
            ended = not os.WIFSIGNALED(os.waitpid(process, 0)[1])
        if ended:
            break  # it finished before it could be killed
        positions.append(position(out))
    print(json.dumps(positions))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(started(out, epochs, data), 0)[1]))


if __name__ == "__main__":
    main()

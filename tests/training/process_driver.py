"""One training without BatchNorm or noise, whose result must not depend on how many processes share each batch.

A program of its own, run by test_processes.py. Usage: process_driver.py OUT
"""

import sys

from made_network import MadeNetwork
from torch import nn

from wsrnas.data import DataConfig
from wsrnas.parts import PartConfig
from wsrnas.runtime import RuntimeConfig
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.train import train


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))


if __name__ == "__main__":
    config = TrainConfig(
        data=DataConfig(name="digits", valid_fraction=0.2),
        loss=PartConfig(name="pgd", settings={"eps": 0.05, "steps": 2, "random_start": False}),
        selection=SelectionConfig(by="clean", steps=2),
        runtime=RuntimeConfig(device="cpu", threads=1),
        epochs=2,
        batch_size=64,
        ema=0.9,
    )
    train(config, MadeNetwork(name="tiny", factory=network), sys.argv[1])

"""A small network, trained for a moment on the digits and evaluated, as the run folder that users have."""

from __future__ import annotations

from pathlib import Path

import pytest

import wsrnas

TRAINING = {
    "data.train_limit": 600,
    "loss": {"name": "standard"},
    "network": {"channels": 2},
    "epochs": 4,
    "batch_size": 30,
}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "digits-run"
    wsrnas.train("resnet-18", "pgd-digits", out=path, **TRAINING)
    wsrnas.evaluate(path, strengths="0,0.05,0.1", suite="fast", limit=40, progress=False)
    return path

"""Shared fixtures. Shapes in annotations are checked at run time in the tests, and only there."""

import os
from pathlib import Path

import matplotlib
import pytest
from jaxtyping import install_import_hook

matplotlib.use("Agg")
install_import_hook("wsrnas", "beartype.beartype")


def data_root() -> Path:
    return Path(os.environ.get("WSRNAS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def cifar10_root() -> Path:
    root = data_root() / "cifar10"
    if not (root / "train.parquet").is_file():
        pytest.skip(f"no CIFAR-10 parquet files under {root}; set WSRNAS_DATA")
    return root


@pytest.fixture(scope="session")
def nb201_root() -> Path:
    root = data_root() / "nb201_robustness"
    if not (root / "meta.json").is_file():
        pytest.skip(f"no NAS-Bench-201 robustness table under {root}; set WSRNAS_DATA")
    return root

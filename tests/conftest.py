"""Shared fixtures. Shapes in annotations are checked at run time in the tests, and only there."""

import gc
import importlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest
from filelock import FileLock
from tests.checked import install
from tests.traces import ROOT, left_behind, traces

matplotlib.use("Agg")
ENDING = 5.0
"""Seconds that a thread may take to end after the test that ended its work, as those of a killed worker do."""
install("wsrnas")
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")  # pytest-xdist fills the cores: work is spread where a test says so

if importlib.util.find_spec("art") and not (Path.home() / ".art" / "config.json").exists():
    # Where it was never imported before, this library writes its settings, and two processes at once trip over that.
    with FileLock(Path(tempfile.gettempdir()) / "wsrnas-first-import-of-art.lock"):
        importlib.import_module("art.config")


def data_root() -> Path:
    return Path(os.environ.get("WSRNAS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported: it is no garbage, and there is much of it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail a test that changes the environment or the folder for good, or leaves threads, processes or files."""
    folders = tuple({ROOT, Path.cwd()})
    before = traces(folders)
    yield
    left = left_behind(before, traces(folders))
    deadline = time.monotonic() + ENDING
    while "threads" in left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = left_behind(before, traces(folders))
    assert not left, f"the test left something behind: {left}"


@pytest.fixture
def timed_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a plan measure the speed of the device for a moment, where a test is about its other numbers."""
    monkeypatch.setattr("wsrnas.search.plan.SECONDS", 0.01)


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


@pytest.fixture(scope="session")
def robbench_root() -> Path:
    root = data_root() / "nas_robbench_201"
    if not (root / "ops.json").is_file():
        pytest.skip(f"no NAS-RobBench-201 table under {root}; set WSRNAS_DATA")
    return root


@pytest.fixture(scope="session")
def tiny_robustbench_root() -> Path:
    root = data_root() / "tiny_robustbench"
    if not list(root.glob("robust_bench_seed_*.json")):
        pytest.skip(f"no learning curves of Tiny-RobustBench under {root}; set WSRNAS_DATA")
    return root

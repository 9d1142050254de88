"""Several processes train the network that one trains, also after a kill and when they are others."""

import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.several import kill_when, srun, succeed

from wsrnas.files import read_json, read_lines

pytestmark = pytest.mark.slow
# A small rate and smooth noise: signs of gradients near zero would turn rounding into another network.
COMMAND = [
    "train", "--arch", "robnet-small", "--recipe", "pgd-digits", "--network.channels", 4, "--network.layers", 3,
    "--data.train_limit", 110, "--data.valid_limit", 31, "--batch_size", 35, "--epochs", 2, "--optimizer.lr", 0.002,
    "--loss", '{"name": "pgd", "settings": {"norm": "L2", "eps": 0.3, "steps": 2, "attack_mode": "train"}}',
    "--strengths", 0.05, "--ema", 0.9, "--checkpoint_every", 1, "--runtime.device", "cpu",
]  # fmt: skip


def close(one: Path, other: Path) -> None:
    """Compare two trainings: weights, BatchNorm's averages, the last network beside its moving average, the log."""
    wanted, found = (load_file(folder / "model.safetensors") for folder in (one, other))
    torch.testing.assert_close(found, wanted, rtol=2e-3, atol=2e-4)
    states = [torch.load(folder / "checkpoints" / "last.pt")["state"] for folder in (one, other)]
    for network in (lambda state: state["model"], lambda state: state["average"]["model"]):
        torch.testing.assert_close(network(states[1]), network(states[0]), rtol=2e-3, atol=2e-4)
    assert any(not torch.equal(states[1]["model"][name], kept) for name, kept in found.items()), "the average is kept"
    for mine, theirs in zip(*(read_lines(folder / "metrics.jsonl") for folder in (one, other)), strict=True):
        assert theirs["train_loss"] == pytest.approx(mine["train_loss"], rel=1e-3)
        assert theirs["train_accuracy"] == pytest.approx(mine["train_accuracy"], abs=0.03)
        assert (theirs["held_out_accuracy"] is None) == (mine["held_out_accuracy"] is None)
    assert read_json(other / "result.json")["epoch"] == read_json(one / "result.json")["epoch"]
    assert (other / "report.html").is_file()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training") / "one"
    succeed(1, *COMMAND, "--out", folder)
    return folder


def test_two_processes_train_the_network_of_one(alone: Path, tmp_path: Path) -> None:
    said = succeed(2, *COMMAND, "--out", tmp_path / "run")
    close(alone, tmp_path / "run")
    assert said.count("trained: ") == 1


def test_srun_alone_starts_them_too(alone: Path, tmp_path: Path) -> None:
    first, second = srun(2, *COMMAND, "--out", tmp_path / "run")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    close(alone, tmp_path / "run")
    assert (second.stdout, second.stderr) == ("", ""), "one process speaks"


@pytest.mark.parametrize(("before", "after"), [(2, 2), (2, 3), (3, 1)])
def test_a_killed_training_goes_on_with_other_processes(alone: Path, tmp_path: Path, before: int, after: int) -> None:
    out = tmp_path / "run"
    kill_when((out / "checkpoints" / "last.pt").is_file, before, *COMMAND, "--out", out)
    assert not (out / "result.json").exists()
    succeed(after, *COMMAND, "--out", out)
    close(alone, out)


def test_processes_that_are_asked_to_end_save_together(alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [10**6 if word == 1 else word for word in COMMAND]  # nothing is saved before the end of an epoch
    kill_when((out / "config.yaml").is_file, 2, *command, "--out", out, by=signal.SIGTERM)
    state = torch.load(out / "checkpoints" / "last.pt")["state"]
    assert not (out / "result.json").exists()
    assert (state["epoch"], state["step"]) != (2, 0)
    succeed(2, *command, "--out", out)
    close(alone, out)


def test_more_processes_than_images_of_a_batch_are_refused_in_one_sentence(tmp_path: Path) -> None:
    command = [2 if word == 35 else word for word in COMMAND]
    found = srun(3, *command, "--out", tmp_path / "run")
    assert [one.returncode for one in found] == [2, 2, 2]
    assert found[0].stderr == (
        "error: batch_size: expected one or more for each of the 3 processes, got 2; use fewer processes\n"
    )
    assert [one.stderr for one in found[1:]] == ["", ""]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("recipe", ["free-digits", "mat-digits"])
def test_free_training_and_an_ensemble_share_batches_too(tmp_path: Path, recipe: str) -> None:
    """What a loss carries from batch to batch is cut and joined; members of an ensemble are trained in turn."""
    small = ["--network.channels", 4, "--network.layers", 3, "--data.train_limit", 40, "--batch_size", 20,
             "--optimizer.lr", 0.0005, "--epochs", 1, "--checkpoint_every", 1]  # fmt: skip
    for count in (1, 2):
        succeed(count, "train", "--arch", "robnet-small", "--recipe", recipe, *small, "--out", tmp_path / str(count))
    one, two = (load_file(tmp_path / str(count) / "model.safetensors") for count in (1, 2))
    torch.testing.assert_close(two, one, rtol=0.02, atol=0.02)

"""Metrics in other places: told beside metrics.jsonl, once, and refused in one sentence where a library is missing."""

import json
import sys
import types

import pytest

from wsrnas.errors import InputError
from wsrnas.runs import RunFolder
from wsrnas.runs.loggers import logged, numbers


def test_numbers_of_nested_values_have_dotted_names():
    values = {"epoch": 1, "loss": 0.5, "losses": [1.0, 2.0], "fidelity": {"0.1": 0.9}, "note": "x", "none": None}
    assert numbers(values) == {"epoch": 1, "loss": 0.5, "losses.0": 1.0, "losses.1": 2.0, "fidelity.0.1": 0.9}


def write(path, names):
    with logged(names), RunFolder.open(path, kind="train", config={"epochs": 2, "loss": {"name": "pgd"}}) as run:
        with RunFolder.open(path / "inner", kind="train", config={}) as inner:
            inner.log(epoch=9, loss=9.0)
        for epoch in (1, 2):
            run.log(epoch=epoch, loss=1 / epoch)
        assert [line["loss"] for line in run.lines()] == [1.0, 0.5]


def test_tensorboard_reads_what_metrics_jsonl_says(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write(tmp_path / "run", "tensorboard")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 1.0), (2, 0.5)]
    assert not (tmp_path / "run" / "inner" / "tensorboard").exists()


def test_wandb_is_told_offline_and_mlflow_in_the_run_folder(tmp_path, monkeypatch):
    """Stand-ins that write down what they are called with."""
    said = []

    class Run:
        config = types.SimpleNamespace(update=lambda values: said.append(("wandb", values["loss.name"])))
        log = staticmethod(lambda values, step: said.append(("wandb", step, values["loss"])))
        finish = staticmethod(lambda: said.append(("wandb", "end")))

    def init(**values):
        assert values["mode"] == "offline"
        return Run()

    mlflow = types.SimpleNamespace(
        set_tracking_uri=lambda uri: said.append(("mlflow", uri)),
        set_experiment=lambda name: None,
        start_run=lambda run_name: None,
        log_params=lambda values: said.append(("mlflow", values["epochs"])),
        log_metrics=lambda values, step: said.append(("mlflow", step, values["loss"])),
        end_run=lambda: said.append(("mlflow", "end")),
    )
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    write(tmp_path / "run", "wandb,mlflow")
    assert [call[1:] for call in said if call[0] == "wandb"] == [("pgd",), (1, 1.0), (2, 0.5), ("end",)]
    uri = f"sqlite:///{tmp_path / 'run' / 'mlflow.db'}"
    assert [call[1:] for call in said if call[0] == "mlflow"] == [(uri,), (2,), (1, 1.0), (2, 0.5), ("end",)]
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[1]) == {"epoch": 2, "loss": 0.5}


def test_an_unknown_or_missing_logger_is_one_sentence(monkeypatch):
    with (
        pytest.raises(InputError, match="--log: expected one of tensorboard, wandb, mlflow, got tensorbord; did you"),
        logged("tensorbord"),
    ):
        pass
    monkeypatch.setitem(sys.modules, "wandb", None)
    with (
        pytest.raises(InputError, match=r"--log: expected wandb to be installed, .*pip install 'wsrnas\[wandb\]'"),
        logged("wandb"),
    ):
        pass

"""The run folder of a training: what is saved when, and what a finished training leaves for evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save
from torch import Tensor, nn

from wsrnas.data import Preprocessing
from wsrnas.errors import InputError, refuse
from wsrnas.files import read_json, read_settings, write_atomic, write_json
from wsrnas.models.budget import write_budget
from wsrnas.models.network import NetworkSpec, write_network
from wsrnas.recipes import refuse_renamed
from wsrnas.runs import RunFolder
from wsrnas.runtime import processes

EXTENSIONS = "extended.json"
"""Where a training that was given more epochs keeps how many it had before, and since which epoch it has more."""


class TrainFolder:
    """Files of one training. Of several processes the first one reads and writes, and all know what came of it."""

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self._run: RunFolder | None = None
        processes.first(lambda: self._enter(config))

    def _enter(self, config: dict[str, Any]) -> None:
        self._run = _open(self.path, config)

    def __enter__(self) -> TrainFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Let another process use the folder; one made for a training that was refused goes again."""
        if self._run is not None:
            self._run.__exit__(kind, error, trace)

    def load(self, restore: Callable[[dict[str, Any]], None]) -> None:
        """Hand the state last saved to `restore`; nothing to hand over in a fresh run."""
        state = processes.first(lambda: None if self._run is None else self._run.load_checkpoint(restore=restore))
        if self._run is None and state is not None:
            restore(state)

    def extend(self, epochs: int, done: int | None = None) -> None:
        """Take note that a training now has more epochs than it was started with, `done` of them being over.

        None says that all it had were.
        """
        processes.first(lambda: self._extend(epochs, done))

    def _extend(self, epochs: int, done: int | None) -> None:
        if self._run is None or self._run.config["epochs"] == epochs:
            return
        before = int(self._run.config["epochs"])
        entry = {"epochs_before": before, "epochs": epochs, "from_epoch": 1 + (before if done is None else done)}
        earlier = [one for one in read_json(self.path / EXTENSIONS) or [] if one["epochs"] < epochs]
        write_json(self.path / EXTENSIONS, [*earlier, entry])
        self._run.config["epochs"] = epochs
        self._run.write_text("config.yaml", yaml.safe_dump(self._run.config, sort_keys=False))

    def save(self, state: dict[str, Any]) -> None:
        """Write the checkpoint that a restart goes on from."""
        self._do(lambda run: run.save_checkpoint(state))

    def keep(self, network: nn.Module) -> None:
        """Write the network that is the best so far."""
        self._do(lambda run: run.save_checkpoint({"model": network.state_dict()}, name="best"))

    def log(self, **values: Any) -> None:
        """Append one line to metrics.jsonl."""
        self._do(lambda run: run.log(**values))

    def _do(self, what: Callable[[RunFolder], object]) -> None:
        """Do this where the folder is open, and raise what it raises on every process."""
        run = self._run
        processes.first(lambda: None if run is None else what(run))

    def timed(self, phase: str, epoch: int) -> AbstractContextManager[None]:
        """Append how long the block took to timings.jsonl."""
        if self._run is None:
            return nullcontext()
        self._run.iteration = epoch
        return self._run.timed(phase)

    def measure(self, network: nn.Module, image_shape: tuple[int, int, int]) -> None:
        """Write budget.json: what the network costs to run, counted and timed."""
        if self._run is not None:
            write_budget(self.path, network, image_shape)

    def finish(
        self, network: NetworkSpec, result: dict[str, Any], class_names: Sequence[str], preprocessing: Preprocessing
    ) -> None:
        """Write model.safetensors, the kept weights, network.json, how to build it, and result.json."""

        def write(run: RunFolder) -> None:
            kept = _kept(self.path / "checkpoints" / "best.pt")
            content = save({name: tensor.contiguous() for name, tensor in kept.items()})
            write_atomic(self.path / "model.safetensors", content)
            write_network(self.path, network, class_names, preprocessing)
            run.write_json("result.json", result)

        self._do(write)


def _open(path: Path, config: dict[str, Any]) -> RunFolder:
    """Open the folder with the settings it was started with, which differ from `config` in fewer epochs at most."""
    config = json.loads(json.dumps(config))
    stored = _stored(path / "config.yaml")
    refuse_renamed("train", stored, where=f"{path / 'config.yaml'}, written by an earlier version",
                   remedy="choose another --out")  # fmt: skip
    before, wanted = stored.get("epochs"), config.get("epochs")
    more = isinstance(before, int) and isinstance(wanted, int) and before < wanted
    if more and {**stored, "epochs": wanted} == config:
        config = stored
    return RunFolder.open(path, kind="train", config=config)


def _stored(path: Path) -> dict[str, Any]:
    """Return the settings of a run folder; nothing where there are none, or none that can be read."""
    try:
        return read_settings(path) if path.is_file() else {}
    except InputError:
        return {}  # RunFolder says what is wrong with them


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise FileNotFoundError(path)
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise InputError(
            f"{path}: the checkpoint is damaged or missing ({type(error).__name__}); train again with another --out"
        ) from error


def _kept(path: Path) -> dict[str, Tensor]:
    """Return the weights of the best epoch.

    Raises:
        InputError: the file is damaged, or holds other than tensors.
    """
    state = _read(path).get("state")
    weights = state.get("model") if isinstance(state, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(one, Tensor) for one in weights.values()):
        refuse(str(path), expected="the weights of the best epoch", got="others", remedy="train again elsewhere")
    return weights

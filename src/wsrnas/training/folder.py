"""The run folder of a training: what is saved when, and what a finished training leaves for evaluation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from wsrnas.errors import InputError, refuse
from wsrnas.files import write_atomic
from wsrnas.models.network import NetworkSpec, write_network
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime


class TrainFolder:
    """Files of one training. Every process reads; the main process alone writes."""

    def __init__(self, path: Path, config: dict[str, Any], runtime: Runtime) -> None:
        self.path = path
        self._run = RunFolder.open(path, kind="train", config=config) if runtime.is_main else None
        runtime.barrier()

    def close(self) -> None:
        """Let another process use the folder."""
        if self._run is not None:
            self._run.close()

    def load(self, restore: Callable[[dict[str, Any]], None]) -> None:
        """Hand the state last saved to `restore`; nothing to hand over in a fresh run."""
        if self._run is not None:
            self._run.load_checkpoint(restore=restore)
            return
        path = self.path / "checkpoints" / "last.pt"
        if path.is_file():
            restore(_read(path)["state"])

    def save(self, state: dict[str, Any]) -> None:
        """Write the checkpoint that a restart goes on from."""
        if self._run is not None:
            self._run.save_checkpoint(state)

    def keep(self, network: nn.Module) -> None:
        """Write the network that is the best so far."""
        if self._run is not None:
            self._run.save_checkpoint({"model": network.state_dict()}, name="best")

    def log(self, **values: Any) -> None:
        """Append one line to metrics.jsonl."""
        if self._run is not None:
            self._run.log(**values)

    def timed(self, phase: str, epoch: int) -> AbstractContextManager[None]:
        """Append how long the block took to timings.jsonl."""
        if self._run is None:
            return nullcontext()
        self._run.iteration = epoch
        return self._run.timed(phase)

    def finish(self, network: NetworkSpec, result: dict[str, Any]) -> None:
        """Write model.safetensors, the kept weights, network.json, how to build it, and result.json."""
        if self._run is None:
            return
        content = save(
            {name: tensor.contiguous() for name, tensor in _kept(self.path / "checkpoints" / "best.pt").items()}
        )
        write_atomic(self.path / "model.safetensors", content)
        write_network(self.path, network)
        self._run.write_json("result.json", result)


def _read(path: Path) -> dict[str, Any]:
    try:
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

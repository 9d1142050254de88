"""Everything a training is in the middle of: what a checkpoint holds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.errors import InputError
from wsrnas.runtime import Runtime, processes
from wsrnas.runtime.shares import all_rows, own_rows
from wsrnas.training.config import TrainConfig
from wsrnas.training.ema import MovingAverage
from wsrnas.training.epoch import EpochSums
from wsrnas.training.held_out import HeldOut


class TrainState:
    """Network, optimiser, moving average, position, and the best epoch so far.

    `epoch` and `step` name the next step to take. There is no random state: every draw belongs to a position.
    `carried` is what the loss keeps from batch to batch. Several processes hold the same, but for their rows of
    `carried` and their part of `sums`.
    """

    def __init__(self, config: TrainConfig, model: nn.Module, runtime: Runtime, fingerprint: str) -> None:
        self.model = model
        self.optimizer = config.optimizer.build(model.parameters())
        self.average = None if config.ema is None else MovingAverage(model, config.ema)
        self.sums = EpochSums(runtime.device)
        self.epoch = 0
        self.step = 0
        self.kept: dict[str, Any] | None = None
        self.carried: dict[str, Tensor] = {}
        self._by = config.selected_by()
        self._fingerprint = fingerprint
        self._runtime = runtime

    @property
    def network(self) -> nn.Module:
        """The network that is measured and kept: the moving average where there is one."""
        return self.model if self.average is None else self.average.model

    def offer(self, measured: HeldOut | None) -> bool:
        """Decide whether this epoch's network is the one to keep, so far, and remember it."""
        value = 0.0
        if self._by != "last" and measured is not None:
            value = measured.clean if measured.robust is None or self._by == "clean" else measured.robust
            if self.kept is not None and value <= self.kept["value"]:
                return False
        self.kept = {
            "epoch": self.epoch + 1,
            "value": value,
            "held_out_accuracy": None if measured is None else measured.clean,
            "held_out_robust_accuracy": None if measured is None else measured.robust,
            "learned_nothing": None,
        }
        return True

    def judge(self, learned_nothing: str | None) -> None:
        """Remember whether the network that was just kept has learned anything."""
        if self.kept is None:
            raise RuntimeError("judge: no network was kept yet")
        self.kept["learned_nothing"] = learned_nothing

    def summary(self) -> dict[str, Any]:
        """Return the kept epoch, counted from 1, its held-out accuracies, and why it may have learned nothing."""
        if self.kept is None:
            raise RuntimeError("summary: no epoch has ended yet")
        return {key: value for key, value in self.kept.items() if key != "value"}

    def note(self) -> str:
        """Return what to show beside the progress bar."""
        robust = None if self.kept is None else self.kept["held_out_robust_accuracy"]
        clean = None if self.kept is None else self.kept["held_out_accuracy"]
        shown = [f"{name} {value:.1%}" for name, value in (("clean", clean), ("robust", robust)) if value is not None]
        return f"best held-out: {', '.join(shown)}" if shown else ""

    def end_epoch(self) -> None:
        """Move to the first step of the next epoch."""
        self.epoch += 1
        self.step = 0
        self.sums = EpochSums(self._runtime.device)

    def state_dict(self) -> dict[str, Any]:
        """Return everything, loadable with ``weights_only=True``; all processes are asked, and return the same."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "sums": self.sums.whole().cpu(),
            "epoch": self.epoch,
            "step": self.step,
            "kept": self.kept,
            "carried": {name: all_rows(tensor).cpu() for name, tensor in self.carried.items()},
            "data": self._fingerprint,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore everything.

        Raises:
            InputError: the data are not those that the training began with.
        """
        if state["data"] != self._fingerprint:
            raise InputError(
                "data: expected the images that this run was started with, got others; restore them, or choose another "
                "--out to train on the new ones"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.sums.values.copy_(state["sums"] if processes.is_first() else torch.zeros_like(state["sums"]))
        self.epoch, self.step, self.kept = int(state["epoch"]), int(state["step"]), state["kept"]
        self.carried = {name: own_rows(tensor) for name, tensor in state["carried"].items()}

"""Other places that the metrics of a run are shown in: TensorBoard, Weights & Biases, MLflow.

They are written through the engine's own logger interface, beside metrics.jsonl, which stays the truth: after a kill it
is cut back to the last checkpoint; what a logger was told is not.
"""

from __future__ import annotations

import hashlib
import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import Logger
from lightning_fabric.loggers.tensorboard import TensorBoardLogger

from wsrnas.errors import one_of
from wsrnas.extras import optional

_WANTED: ContextVar[tuple[str, ...]] = ContextVar("loggers", default=())


class Client(Logger):
    """A logger of a library that has a client of its own."""

    def __init__(self, name: str, tell: Callable[[dict[str, Any], int | None], None], about: Callable[..., None],
                 end: Callable[[], object]) -> None:  # fmt: skip
        self._name, self._tell, self._about, self._end = name, tell, about, end

    @property
    def name(self) -> str:
        """Return the name of the library."""
        return self._name

    @property
    def version(self) -> str:
        """Return nothing: a run folder is one run."""
        return ""

    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Tell the library numbers."""
        self._tell(metrics, step)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Tell the library settings."""
        self._about(params)

    def finalize(self, status: str) -> None:
        """End the run there."""
        self._end()


def _tensorboard(folder: Path) -> Logger:
    return TensorBoardLogger(root_dir=folder / "tensorboard", name="", version="")


def _wandb(folder: Path) -> Logger:
    wandb = optional("wandb", extra="wandb", argument="--log")
    mode = os.environ.get("WANDB_MODE", "offline")
    identity = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
    run = wandb.init(project="wsrnas", name=folder.name, id=identity, dir=str(folder), mode=mode, resume="allow")
    return Client(
        "wandb", lambda metrics, step: run.log(metrics, step=step), lambda params: run.config.update(params), run.finish
    )


def _mlflow(folder: Path) -> Logger:
    mlflow = optional("mlflow", extra="mlflow", argument="--log")
    if "MLFLOW_TRACKING_URI" not in os.environ:
        mlflow.set_tracking_uri(f"sqlite:///{folder.absolute() / 'mlflow.db'}")
    mlflow.set_experiment("wsrnas")
    mlflow.start_run(run_name=folder.name)
    return Client(
        "mlflow", lambda metrics, step: mlflow.log_metrics(metrics, step=step), mlflow.log_params, mlflow.end_run
    )


LOGGERS: dict[str, Callable[[Path], Logger]] = {"tensorboard": _tensorboard, "wandb": _wandb, "mlflow": _mlflow}
"""By the name of the library, which is also that of its module and of the extra that brings it."""


@contextmanager
def logged(names: str | Sequence[str] | None) -> Iterator[None]:
    """Show the metrics of the first run folder that is opened inside the block in these places too.

    Raises:
        InputError: an unknown name (suggests the nearest), or a library that is not installed (names the extra).
    """
    wanted = tuple(part.strip() for part in names.split(",")) if isinstance(names, str) else tuple(names or ())
    for name in wanted:
        one_of("--log", name, tuple(LOGGERS))
        optional(name, extra=name, argument="--log")
    token = _WANTED.set(wanted)
    try:
        yield
    finally:
        _WANTED.reset(token)


def loggers_for(folder: Path, settings: Mapping[str, Any]) -> list[Logger]:
    """Return the loggers of a run folder that was just opened; runs inside it have none."""
    wanted = _WANTED.get()
    _WANTED.set(())
    found = [LOGGERS[name](folder) for name in wanted]
    for logger in found:
        logger.log_hyperparams(dict(numbers(settings, keep=(str, bool, int, float))))
    return found


def tell(loggers: Sequence[Logger], values: Mapping[str, Any]) -> None:
    """Tell the numbers of a line of metrics.jsonl, at its iteration or epoch."""
    step = values.get("iteration", values.get("epoch"))
    for logger in loggers:
        logger.log_metrics(numbers(values), step if isinstance(step, int) else None)


def numbers(values: Mapping[str, Any], prefix: str = "", keep: tuple[type, ...] = (int, float)) -> dict[str, Any]:
    """Return the numbers of nested values by dotted name; the elements of a list by their place."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, (list, tuple)):
            value = {str(place): one for place, one in enumerate(value)}
        if isinstance(value, Mapping):
            found |= numbers(value, f"{prefix}{key}.", keep)
        elif isinstance(value, keep):
            found[f"{prefix}{key}"] = value
    return found

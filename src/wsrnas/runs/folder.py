"""The run folder: settings, logs and checkpoints that survive a kill at any moment.

Files appear under a temporary name and are renamed, so each is either the old one or the new one, never half of one.
A checkpoint remembers how long the logs were; resuming cuts them back to it, so that no line is there twice.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
import yaml

from wsrnas import __version__
from wsrnas.errors import InputError, refuse
from wsrnas.files import (
    explained,
    read_json,
    read_lines,
    read_object,
    read_settings,
    remove_leftovers,
    write_atomic,
    write_json,
)
from wsrnas.runs.environment import environment
from wsrnas.runs.lock import first_missing, remove_if_empty, take
from wsrnas.runs.loggers import loggers_for, tell

Kind = Literal["search", "train", "evaluate", "study", "reproduce"]
LOGS = ("metrics.jsonl", "timings.jsonl")
RESTORE = "restore the file or choose another --out"
WITHOUT_EFFECT = frozenset({"runtime.workers", "sections"})
"""Settings that change no result: a run may go on with others."""
LARGEST_LOG = 2**40


class RunFolder:
    """One run on disk. `open` creates it or, where it exists with the same settings, resumes it."""

    def __init__(self, path: Path, kind: Kind, config: dict[str, Any], *, made: Path | None = None) -> None:
        self.path = path
        self.kind = kind
        self.config = config
        self.iteration = 0
        self._made = made
        self._inside: list[float] = []
        self._lock = take(path)
        self._loggers = loggers_for(path, config)
        remove_leftovers(path, path / "checkpoints")

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Let another process use the folder; one made for a run that was refused before it began goes again."""
        self.close()
        if isinstance(error, InputError) and self._made is not None:
            self._remove_if_unused()

    @classmethod
    def open(cls, path: str | Path, *, kind: Kind, config: dict[str, Any]) -> RunFolder:
        """Create the folder or resume what is in it.

        Raises:
            InputError: the folder holds something else, a run of another kind, or a run with other settings (which
                are named).
        """
        path = Path(path)
        try:
            if path.exists() and not path.is_dir():
                refuse("--out", expected="a folder", got=str(path))
        except OSError as error:  # a name longer than the file system allows, or a folder that may not be entered
            raise explained(error, path) from error
        settings = path / "config.yaml"
        config = json.loads(json.dumps(config))
        if settings.is_file():
            _check_same(path, kind, read_settings(settings, remedy=RESTORE), config)
            return cls(path, kind, config)
        made = first_missing(path)
        ours = {"env.json"}  # alone, it is what a kill during the very first write left
        if path.exists() and any(item.name not in ours and item.name[0] != "." for item in path.iterdir()):
            refuse("--out", expected="a new folder or a wsrnas run", got=f"{path}, which holds other files")
        write_atomic(path / "env.json", json.dumps({"kind": kind, **environment()}, indent=1) + "\n")
        write_atomic(settings, yaml.safe_dump(config, sort_keys=False))
        return cls(path, kind, config, made=made)

    def close(self) -> None:
        """Let another process use the folder."""
        for logger in self._loggers:
            logger.finalize("finished")
        self._loggers = []
        self._lock.release()

    def save_checkpoint(self, state: dict[str, Any], name: str = "last") -> None:
        """Write a checkpoint; the one before it stays as `previous.pt` when `name` is "last"."""
        target = self.path / "checkpoints" / f"{name}.pt"
        sizes = {log: self._size(log) for log in LOGS}
        buffer = io.BytesIO()
        torch.save({"state": state, "log_sizes": sizes, "version": __version__}, buffer)
        if name == "last" and target.is_file():
            previous = target.with_name("previous.pt")
            linked = previous.with_name(".previous.link")
            linked.unlink(missing_ok=True)
            try:
                os.link(target, linked)
            except OSError:  # a file system without hard links
                _copy(target, linked)
            linked.replace(previous)
        write_atomic(target, buffer.getvalue())

    def load_checkpoint(
        self, name: str = "last", *, restore: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any] | None:
        """Return the state last saved, or None in a fresh run; cuts the logs back to that moment.

        Args:
            name: of the checkpoint.
            restore: takes the state; what it cannot take is a damaged checkpoint, and the logs stay as they are.

        Raises:
            InputError: the file is damaged; names the remedy.
        """
        target = self.path / "checkpoints" / f"{name}.pt"
        self._check_logs()
        if not target.is_file():
            self._cut_logs(dict.fromkeys(LOGS, 0))
            return None
        try:
            state, sizes = _checkpoint(torch.load(target, map_location="cpu", weights_only=True))
            if restore is not None:
                restore(state)
        except InputError:
            raise
        except Exception as error:  # whatever reading another's tensors raises
            previous = target.with_name("previous.pt")
            remedy = f"mv {previous} {target}" if previous.is_file() else f"rm {target}, which starts this run anew"
            message = f"{target}: the checkpoint is damaged ({type(error).__name__}); to go on: {remedy}"
            raise InputError(message) from error
        self._cut_logs(sizes)
        return state

    def log(self, **values: Any) -> None:
        """Append one line to metrics.jsonl."""
        self._append("metrics.jsonl", values)
        tell(self._loggers, values)

    @contextlib.contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Append how long the block took to timings.jsonl, without what was timed inside it."""
        started = time.perf_counter()
        self._inside.append(0.0)
        yield
        whole = time.perf_counter() - started
        own = whole - self._inside.pop()
        if self._inside:
            self._inside[-1] += whole
        self._append("timings.jsonl", {"phase": phase, "seconds": round(own, 4), "iteration": self.iteration})

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file atomically."""
        write_atomic(self.path / name, text)
        return self.path / name

    def write_json(self, name: str, value: Any) -> Path:
        """Write JSON atomically."""
        write_json(self.path / name, value)
        return self.path / name

    def read_json(self, name: str) -> Any | None:
        """Read JSON, or None where there is no such file."""
        return read_json(self.path / name)

    def lines(self, log: str = "metrics.jsonl") -> list[dict[str, Any]]:
        """Return the lines of a log."""
        return read_lines(self.path / log)

    def _remove_if_unused(self) -> None:
        ours = {"config.yaml", "env.json", ".lock"}
        if {item.name for item in self.path.iterdir()} <= ours:
            for name in ours:
                (self.path / name).unlink(missing_ok=True)
            remove_if_empty(self.path, self._made)

    def _append(self, log: str, values: dict[str, Any]) -> None:
        path = self.path / log
        try:
            with path.open("a") as file:
                file.write(json.dumps(values) + "\n")
        except OSError as error:
            raise explained(error, path) from error

    def _size(self, log: str) -> int:
        path = self.path / log
        return path.stat().st_size if path.is_file() else 0

    def _check_logs(self) -> None:
        """Refuse logs that are links: cutting them would cut a file elsewhere."""
        for path in (self.path / log for log in LOGS):
            if path.is_symlink():
                refuse(str(path), expected="a file", got=f"a link to {os.readlink(path)}", remedy="put the file here")

    def _cut_logs(self, sizes: dict[str, int]) -> None:
        for log, size in sizes.items():
            if self._size(log) > size:
                with (self.path / log).open("r+") as file:
                    file.truncate(size)


def kind_of(path: Path) -> str | None:
    """Return of which kind a run folder is; None where it is none of ours.

    Raises:
        InputError: a damaged env.json.
    """
    kind = read_object(path / "env.json", remedy=RESTORE).get("kind")
    return None if kind is None else str(kind)


def _checkpoint(saved: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """Return what `save_checkpoint` wrote: the state, and how long each log was."""
    state, sizes = saved["state"], saved["log_sizes"]
    if not isinstance(state, dict) or not isinstance(sizes, dict):
        raise TypeError("no state, or no sizes of logs")
    for log, size in sizes.items():
        if log not in LOGS or type(size) is not int or not 0 <= size < LARGEST_LOG:
            raise ValueError(f"no size of a log: {log!r}: {size!r}")
    return state, sizes


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise explained(error, target) from error


def _check_same(path: Path, kind: Kind, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    stored_kind = read_object(path / "env.json", remedy=RESTORE).get("kind")
    if stored_kind != kind:
        refuse("--out", expected=f"a {kind} run", got=f"{path}, a {stored_kind} run", remedy="choose another --out")
    old, new = _flat(stored), _flat(wanted)
    changed = [key for key in sorted({*old, *new} - WITHOUT_EFFECT) if old.get(key) != new.get(key)]
    if changed:
        shown = ", ".join(f"{key} (was {old.get(key)!r}, now {new.get(key)!r})" for key in changed[:4])
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        refuse(
            "--out",
            expected=f"the settings that {path} was started with",
            got=f"others for {shown}{more}",
            remedy="choose another --out, or repeat the first command to resume",
        )


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat.update(_flat(item, f"{prefix}.{key}" if prefix else str(key)))
    return flat

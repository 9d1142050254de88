"""A run folder that several processes work on together: the first one reads and writes it for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from wsrnas.runs.folder import Kind, RunFolder
from wsrnas.runtime import processes


class FollowedRun(RunFolder):
    """A run folder that another process holds open: this one knows where it is, and leaves it alone."""

    def __init__(self, path: Path, kind: Kind, config: dict[str, Any]) -> None:
        self.path, self.kind, self.config = path, kind, config
        self.iteration = 0

    def close(self) -> None:
        """Leave it to the other."""

    def save_checkpoint(self, state: dict[str, Any], name: str = "last") -> None:
        """Leave it to the other."""

    def load_checkpoint(
        self, name: str = "last", *, restore: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any] | None:
        """Return nothing: the other says what it has read."""
        return None

    def log(self, **values: Any) -> None:
        """Leave it to the other."""

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Leave it to the other."""
        yield

    def write_text(self, name: str, text: str) -> Path:
        """Return where the other writes it."""
        return self.path / name

    def write_json(self, name: str, value: Any) -> Path:
        """Return where the other writes it."""
        return self.path / name


@contextmanager
def shared_run(path: str | Path, *, kind: Kind, config: dict[str, Any]) -> Iterator[RunFolder]:
    """Open a run folder for all processes that share the work, as `RunFolder.open` does; one of them holds it.

    Raises:
        InputError: as there, on every process.
    """
    opened = list[RunFolder]()
    with ExitStack() as stack:
        processes.first(lambda: opened.append(stack.enter_context(RunFolder.open(path, kind=kind, config=config))))
        yield opened[0] if opened else FollowedRun(Path(path), kind, config)

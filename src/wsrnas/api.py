"""The Python API: every command of the command line as one function with typed results."""

from __future__ import annotations

from pathlib import Path

from wsrnas.search.run import search

__all__ = ["report", "search"]


def report(run: str | Path) -> Path:
    """Render the page of a run folder again and return its path.

    Raises:
        InputError: not a run folder, or one without anything to show yet.
    """
    from wsrnas.search.report.page import write_search_report

    return write_search_report(Path(run))

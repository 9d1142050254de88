"""What a study shows when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from wsrnas.report.figures import bar_figure


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], said: str) -> None:
    """Print a table, and in plain words what it means."""
    table = Table(title=title)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(said)


def gains_figure(gains: dict[str, dict[str, Any]], words: dict[str, str]) -> str:
    """Return a drawing of gains with their intervals by opponent, `words` being what each is called."""
    found = list(gains.values())
    return bar_figure(
        [words[name] for name in gains],
        [one["gain"] for one in found],
        x_label="gain in points",
        low=[one["low"] for one in found],
        high=[one["high"] for one in found],
        texts=[f"{one['gain']:+.1f}" for one in found],
    )

"""Numbers and tables as text: percentages, CSV, Markdown, and tables that fit a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

WIDTH = 80


def percent(value: float | None) -> str:
    """Write a fraction as a percentage with one decimal; a dash for nothing."""
    return "–" if value is None else f"{100 * value:.1f}"


def to_csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return out.getvalue()


def to_markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown; bars inside cells are escaped."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def to_blocks(headers: Sequence[str], rows: Sequence[Sequence[str]], *, keep: int = 1, width: int = WIDTH) -> str:
    """Write a table for a terminal: columns that do not fit go to a further block, which repeats the first `keep`.

    Columns after the first `keep` are aligned right. A column wider than the width stands alone in its block.
    """
    widths = [max(len(str(line[k])) for line in (headers, *rows)) for k in range(len(headers))]
    fixed = sum(widths[:keep]) + 2 * max(keep - 1, 0)
    blocks: list[list[int]] = [[]]
    for column in range(keep, len(headers)):
        taken = fixed + sum(2 + widths[k] for k in blocks[-1])
        if blocks[-1] and taken + 2 + widths[column] > width:
            blocks.append([])
        blocks[-1].append(column)
    return "\n\n".join(_block(headers, rows, widths, [*range(keep), *block], keep) for block in blocks) + "\n"


def _block(
    headers: Sequence[str], rows: Sequence[Sequence[str]], widths: list[int], columns: list[int], keep: int
) -> str:
    lines = []
    for line in (headers, ["-" * width for width in widths], *rows):
        cells = [str(line[k]).ljust(widths[k]) if k < keep else str(line[k]).rjust(widths[k]) for k in columns]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)

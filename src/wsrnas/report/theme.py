"""The colours of figures and pages: safe for colour-blind readers, each with a partner for dark backgrounds.

Figures are drawn in the light colours; `report.svg.embed` turns them into CSS variables, so that a page follows the
reader's setting.
"""

from __future__ import annotations

from collections.abc import Iterator

INK, MUTED, GRID, PANEL = "#1d2733", "#5a6774", "#e1e6ea", "#ffffff"
"""Text, quieter text, grid lines, and what lies behind a figure."""

_NEUTRALS = {
    "ink": (INK, "#e8edf2"),
    "muted": (MUTED, "#a3afbb"),
    "grid": (GRID, "#303a45"),
    "panel": (PANEL, "#171d24"),
}
_CATEGORIES = (
    ("#0b6fae", "#5ab4ec"),
    ("#cc4a02", "#ff8b4a"),
    ("#10826a", "#3fc7a4"),
    ("#a8538c", "#e39bca"),
    ("#b07d00", "#f0c04a"),
    ("#3d4a96", "#9aa8f5"),
    ("#6b6257", "#bdb3a6"),
    ("#7a2230", "#f08c98"),
)
_RAMP = (
    ("#35a889", "#3f8f9e"),
    ("#2b9c8a", "#3b9c9b"),
    ("#26908c", "#3ea894"),
    ("#27848d", "#4bb48a"),
    ("#2b788e", "#60bf7d"),
    ("#306b8d", "#7ac96d"),
    ("#365e8b", "#97d25c"),
    ("#3c5088", "#b4d94d"),
    ("#424184", "#cfde45"),
    ("#46327c", "#e4e04a"),
    ("#482271", "#f2e261"),
    ("#461361", "#fbe883"),
)

CATEGORIES: tuple[str, ...] = tuple(light for light, _ in _CATEGORIES)
"""Colours of things without an order, for light backgrounds."""


def ordered_colours(count: int) -> tuple[str, ...]:
    """Return `count` colours for things with an order such as strengths, weakest first."""
    last = len(_RAMP) - 1
    return tuple(_RAMP[round(last * index / max(count - 1, 1)) % len(_RAMP)][0] for index in range(count))


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Yield (variable, light colour, dark colour)."""
    for name, (light, dark) in _NEUTRALS.items():
        yield f"--{name}", light, dark
    for kind, colours in (("c", _CATEGORIES), ("r", _RAMP)):
        for index, (light, dark) in enumerate(colours):
            yield f"--{kind}{index}", light, dark


VARIABLES: dict[str, str] = {light: name for name, light, _ in _pairs()}
"""The CSS variable of each light colour."""


def css_variables(*, dark: bool) -> str:
    """Return the declarations of all variables for a light or a dark page."""
    return " ".join(f"{name}: {night if dark else day};" for name, day, night in _pairs())

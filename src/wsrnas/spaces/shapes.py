"""The few SVG shapes that drawings of architectures are made of.

A drawing stands alone (no style sheet, no script, no ids), so it works inside a page and in an `<img>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
INK, FAINT = "#0f172a", "#cbd5e1"


def rect(
    left: float, top: float, width: float, height: float, fill: str, stroke: str, *, radius: float, line: float = 1.2
) -> str:
    """Return a rectangle with round corners."""
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{line:g}"/>'
    )


def text(
    x: float, y: float, words: str, *, size: float = 12.5, weight: int = 500, fill: str = INK, anchor: str = "start"
) -> str:
    """Return one line of text; `y` is its base line."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def drawing(title: str, width: float, height: float, body: Iterable[str]) -> str:
    """Return the whole SVG on a white card; `title` is what a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{title}" font-family="{FONT}" '
        f'style="max-width:100%;height:auto"><title>{title}</title>'
        f'<rect width="{width:g}" height="{height:g}" rx="12" fill="#ffffff"/>{"".join(body)}</svg>'
    )

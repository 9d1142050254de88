"""An SVG drawing inside a page, or as a file of its own: nothing that runs, nothing fetched, identifiers of its own."""

from __future__ import annotations

import html
import re

from wsrnas.errors import refuse
from wsrnas.report.theme import VARIABLES, css_variables

PAD = 12
"""Room around a drawing that is a file of its own."""

_ACTIVE = re.compile(r"<\s*(script|foreignObject|iframe|use[^>]*href=[\"']\s*\w+:)|\son\w+\s*=|javascript:", re.I)
_FETCHED = re.compile(r"(?:href|src)\s*=\s*[\"']\s*(?:https?:|//|file:)|url\(\s*[\"']?\s*(?:https?:|//)|@import", re.I)
_IDENTIFIER = re.compile(r"(\sid=\"|url\(#|href=\"#)([^\")]+)")
_REPLACED = re.compile(r"\s(role|aria-label|style)=\"[^\"]*\"")
_COLOUR = re.compile("|".join(map(re.escape, VARIABLES)), re.I)


def strip_prolog(svg: str) -> str:
    """Return only the `<svg>` element, without XML declaration, document type, comments or metadata."""
    start, end = svg.find("<svg"), svg.rfind("</svg>")
    if start < 0 or end < 0:
        refuse("svg", expected="an SVG drawing", got=repr(svg[:40]), remedy="pass the text of an .svg file")
    body = svg[start : end + len("</svg>")]
    return re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.S)


def embed(svg: str, prefix: str, label: str, *, recolour: bool = True) -> str:
    """Return `svg` ready to stand inside HTML.

    Identifiers get `prefix` so that two drawings on a page do not disturb each other, the colours of `report.theme`
    become CSS variables unless `recolour` is off, and `label` (already escaped) tells screen readers what is drawn.

    Raises:
        InputError: not an SVG, or one that runs code or fetches something.
    """
    body = strip_prolog(svg)
    if _ACTIVE.search(body) or _FETCHED.search(body):
        refuse("svg", expected="a drawing without scripts and without links to other places", got=repr(body[:60]))
    body = _IDENTIFIER.sub(lambda match: f"{match[1]}{prefix}-{match[2]}", body)
    if recolour:
        body = _COLOUR.sub(lambda match: f"var({VARIABLES[match[0].lower()]}, {match[0]})", body)
    head, rest = body.split(">", 1)
    head = _REPLACED.sub("", head)
    width = re.search(r"\swidth=\"([0-9.]+)(pt|px)?\"", head)
    natural = float(width[1]) * (4 / 3 if width[2] == "pt" else 1) if width else 0.0
    if "viewBox" in head:
        head = re.sub(r"\s(width|height)=\"[^\"]*\"", "", head)
        head += f' style="--natural: {natural:.0f}px"' if natural else ""
    return f'{head} role="img" aria-label="{label}">{rest}'


def standalone(svg: str, label: str) -> str:
    """Return `svg` as a file of its own that follows the reader's light or dark setting, to be shown as `<img>`.

    It stands on a panel of its own colour, so that it can be read on any background.

    Raises:
        InputError: as `embed`.
    """
    body = embed(svg, "d", html.escape(label))
    size = re.search(r"viewBox=\"0 0 ([0-9.]+) ([0-9.]+)\"", body)
    if size is None:
        refuse("svg", expected='a drawing with viewBox="0 0 WIDTH HEIGHT"', got=repr(body[:60]))
    width, height = (float(one) for one in size.groups())
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {css_variables(dark=True)} }} }}"
    style = f"<style>:root {{ {css_variables(dark=False)} }} {dark}</style>"
    outer = (-PAD, -PAD, width + 2 * PAD, height + 2 * PAD)
    box = " ".join(f"{one:g}" for one in outer)
    panel = f'<rect x="{-PAD}" y="{-PAD}" width="{outer[2]:g}" height="{outer[3]:g}" rx="8" fill="var(--panel)"/>'
    head, rest = body.split(">", 1)
    head = head.replace(size[0], f'viewBox="{box}" width="{outer[2]:g}" height="{outer[3]:g}"')
    return f"{head}>{style}{panel}{rest}\n"

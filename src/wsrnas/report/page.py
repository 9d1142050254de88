"""One HTML file that opens offline: sections, figures, tables, commands and plain sentences."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from wsrnas.errors import refuse
from wsrnas.files import write_atomic
from wsrnas.report.svg import embed
from wsrnas.report.theme import css_variables

_HERE = Path(__file__).parent
_UNIT = r"(\s?(%|s|min|h|×|M|k|points?))?"
_NUMBER = re.compile(rf"^[−+-]?[\d.,]+(e[−+-]?\d+)?{_UNIT}(\s?(±|to|\[|\().*)?$")
_EMPTY = ("", "–", "-")


def _text(value: object) -> str:
    """Write a table cell: four significant digits, a dash for nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


class Page:
    """Collects blocks in order; `html` renders them. All text is escaped; nothing is fetched from elsewhere."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self._facts: list[tuple[str, str]] = []
        self._blocks: list[dict[str, Any]] = []

    def facts(self, facts: Mapping[str, object]) -> Page:
        """Show big numbers at the top, each over its label."""
        self._facts.extend((label, _text(value)) for label, value in facts.items())
        return self

    def section(self, title: str, intro: str = "") -> Page:
        """Start a section; `intro` says in plain words what it shows. A blank line starts a new paragraph."""
        number = sum(block["kind"] == "section" for block in self._blocks) + 1
        anchor = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        return self._add("section", title=title, anchor=f"{anchor}-{number}", paragraphs=_paragraphs(intro))

    def text(self, text: str) -> Page:
        """Add plain paragraphs."""
        return self._add("text", paragraphs=_paragraphs(text))

    def figure(self, svg: str, caption: str, *, alt: str = "", panel: bool = False) -> Page:
        """Add an SVG drawing; `alt` describes it to screen readers (default: the caption).

        `panel` puts a white sheet behind drawings whose colours do not follow a dark page.

        Raises:
            InputError: not an SVG, or one with scripts or outside links.
        """
        prefix = f"f{len(self._blocks)}"
        body = Markup(embed(svg, prefix, str(escape(alt or caption)), recolour=not panel))
        return self._add("figure", body=body, caption=caption, panel=panel)

    def image(self, data_uri: str, caption: str, *, alt: str = "") -> Page:
        """Add a picture given as a data URI.

        Raises:
            InputError: anything but an image data URI.
        """
        if not re.match(r"^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$", data_uri):
            remedy = "make one with report.figures.image_grid"
            refuse("data_uri", expected="data:image/png;base64,…", got=repr(data_uri[:30]), remedy=remedy)
        return self._add("image", source=data_uri, caption=caption, alt=alt or caption)

    def table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[object]],
        caption: str,
        *,
        highlight: int | Collection[int] = (),
    ) -> Page:
        """Add a table; columns of numbers after the first are aligned right, rows in `highlight` (from 0) stand out.

        Raises:
            InputError: a row with another number of cells than there are headers.
        """
        for row in rows:
            if len(row) != len(headers):
                refuse("rows", expected=f"{len(headers)} cells as in headers", got=list(row))
        cells = [[_text(value) for value in row] for row in rows]
        numeric = [
            column > 0 and all(_NUMBER.match(row[column]) or row[column] in _EMPTY for row in cells)
            for column in range(len(headers))
        ]
        chosen = {highlight} if isinstance(highlight, int) else set(highlight)
        return self._add("table", headers=list(headers), rows=cells, numeric=numeric, caption=caption, highlight=chosen)

    def command(self, text: str, what: str) -> Page:
        """Add a shell command to copy, under the sentence `what` that says what it does."""
        words = [part for part in re.split(r"(\s+)", text) if part]
        return self._add("command", words=words, what=what)

    def callout(self, kind: Literal["good", "warning", "note"], text: str) -> Page:
        """Add a sentence that must not be missed."""
        if kind not in ("good", "warning", "note"):
            refuse("kind", expected="'good', 'warning' or 'note'", got=kind)
        return self._add("callout", callout=kind, text=text)

    @contextlib.contextmanager
    def whole_or_nothing(self) -> Iterator[None]:
        """Take back what was added inside where it raises: half a section would mislead."""
        facts, blocks = len(self._facts), len(self._blocks)
        try:
            yield
        except BaseException:
            del self._facts[facts:], self._blocks[blocks:]
            raise

    def html(self) -> str:
        """Return the whole page as one self-contained HTML text."""
        environment = Environment(
            loader=FileSystemLoader(_HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template("page.html").render(
            title=self.title,
            subtitle=self.subtitle,
            facts=self._facts,
            blocks=self._blocks,
            sections=[block for block in self._blocks if block["kind"] == "section"],
            style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
            light=css_variables(dark=False),
            dark=css_variables(dark=True),
        )

    def write(self, path: Path | str) -> Path:
        """Write the whole page or nothing, so that a reader never sees half of it.

        Raises:
            InputError: the file cannot be written; an older one is left as it was.
        """
        target = Path(path)
        write_atomic(target, self.html())
        return target

    def _add(self, kind: str, **values: Any) -> Page:
        self._blocks.append({"kind": kind, **values})
        return self


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in text.split("\n\n") if part.strip()]

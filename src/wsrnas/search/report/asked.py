"""The sections that a user adds to a search's page: read, checked beforehand, and kept from spoiling the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wsrnas.errors import InputError, refuse
from wsrnas.files import parse_value
from wsrnas.parts import PartConfig
from wsrnas.report.page import Page
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections import SECTIONS, Section

Asked = str | Sequence[str | Mapping[str, Any]]
"""Names with commas between, or a list of names and of mappings with `name` and `settings`."""
_FORM = "package.module:Class, several with commas, or a list of {name, settings}"


def read_sections(asked: Asked) -> list[PartConfig]:
    """Return the sections that are asked for, each with its settings.

    Raises:
        InputError: neither names nor mappings.
    """
    items: Any = asked
    if isinstance(asked, str):
        text = asked.strip()
        try:
            items = (
                parse_value(text, source="sections")
                if text[:1] in ("[", "{")
                else [one.strip() for one in text.split(",") if one]
            )
        except InputError:
            refuse("sections", expected=_FORM, got=repr(asked))
    return [_part(one) for one in ([items] if isinstance(items, Mapping) else items)]


def check_sections(asked: Asked) -> None:
    """Refuse sections that do not exist, are on every page anyway, come twice, or do not take their settings.

    Raises:
        InputError: one of these.
    """
    ours, seen = dict(SECTIONS.items()), set[str]()
    for config in read_sections(asked):
        kind = SECTIONS.kind(config.name, argument="sections")
        if kind in ours.values():
            refuse("sections", expected="a section of your own", got=repr(config.name),
                   remedy="leave it out: it is on every page")  # fmt: skip
        if config.name in seen:
            refuse("sections", expected="every section once", got=f"{config.name!r} twice", remedy="leave one out")
        seen.add(config.name)
        _built(config)


def add_asked(page: Page, record: SearchRecord, asked: Asked | None = None) -> list[str]:
    """Add the user's sections; one that raises is left out whole, and the page says so.

    Returns a sentence for each that was left out, to be said once the page is safe.

    Args:
        page: what is added to.
        record: of the search.
        asked: the sections, whose modules the user has named; None takes those of the run's config.yaml, and imports
            nothing for them.
    """
    left_out = []
    for config in read_sections(record.setting("sections") or [] if asked is None else asked):
        try:
            with page.whole_or_nothing():
                SECTIONS.kind(config.name, argument="sections", imports=asked is not None)
                _built(config).add(page, record)
        except Exception as error:  # whatever a section of somebody's own does
            reason = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            said = f"section {config.name} was left out ({reason})"
            page.section(config.name)
            page.callout("warning", f"This {said}. Then run `wsrnas report {record.path}` again.")
            left_out.append(f"{said}; repair it and run `wsrnas report {record.path}`")
    return left_out


def _part(one: Any) -> PartConfig:
    if isinstance(one, str):
        return PartConfig(name=one)
    if not isinstance(one, Mapping) or not isinstance(one.get("name"), str) or set(one) - {"name", "settings"}:
        refuse("sections", expected=_FORM, got=one)
    settings = one.get("settings") or {}
    if not isinstance(settings, Mapping):
        refuse("sections.settings", expected="a mapping of settings", got=settings)
    return PartConfig(name=one["name"], settings=dict(settings))


def _built(config: PartConfig) -> Section:
    return SECTIONS.build(config, argument="sections")

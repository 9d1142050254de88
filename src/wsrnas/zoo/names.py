"""Models by any spelling of their name: case, hyphens, spaces, superscripts and footnote marks do not count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from wsrnas.errors import refuse

FOOTNOTE = re.compile(r"[⁰¹²³⁴-⁹ᵃ-ᶻ*†‡§¶]+$")
"""A footnote mark at the end of a name; `⁺` and `⁻` are part of it."""


def spelling(name: str) -> str:
    """Return what two spellings of one name share: `WsrNet-Plus`, `wsrnet_plus` and `WsrNet⁺` give `wsrnetplus`."""
    plain = unicodedata.normalize("NFKC", name.replace("⁻", "minus")).casefold()
    return re.sub(r"[\W_]+", "", plain.replace("+", "plus"))


def spellings(names: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return the name behind every spelling; `names` holds the other names of each."""
    return {spelling(other): name for name, others in names.items() for other in (name, *others)}


def known_name(name: str, known: Mapping[str, str]) -> str | None:
    """Return the name of which `name` is one of the known spellings, or None."""
    tried = (spelling(name), spelling(FOOTNOTE.sub("", name.strip())))
    return next((known[other] for other in tried if other in known), None)


def find_name(name: str, known: Mapping[str, str], *, argument: str, expected: str) -> str:
    """Return what `known_name` does.

    Raises:
        InputError: no such name; suggests the nearest.
    """
    if (found := known_name(name, known)) is not None:
        return found
    close = get_close_matches(spelling(name), known, n=1, cutoff=0.5)
    remedy = f"did you mean {known[close[0]]!r}?" if close else "`wsrnas zoo list` shows them all"
    refuse(argument, expected=expected, got=repr(name), remedy=remedy)

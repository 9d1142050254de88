"""Which option was meant by one that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

CLOSE, ROUGHLY = 0.75, 0.5
"""Similarities of spelling, as difflib counts them."""


def meant(given: str, options: Mapping[str, str]) -> str:
    """Return ``did you mean '--x'?``, or where to look; `options` are the known ones with their help texts.

    Tried in this order: the same letters in another case or with other signs between them, the same last word in
    another group (``--lr`` for ``--optimizer.lr``), a beginning of it, a close spelling, the words of its help, and a
    rough spelling.
    """
    for found in _candidates(given, options):
        if found is not None:
            return f"did you mean {found!r}?"
    return "--help lists them all"


def _candidates(given: str, options: Mapping[str, str]) -> Iterable[str | None]:
    word, last = _letters(given), _letters(given.rpartition(".")[2])
    by_word = {_letters(option): option for option in reversed(list(options))}
    by_last: dict[str, list[str]] = {}
    for option in options:
        by_last.setdefault(_letters(option.rpartition(".")[2]), []).append(option)
    yield by_word.get(word)
    yield _nearest(given, by_last.get(last, []))
    begun = [option for key, found in by_last.items() if len(last) > 2 and key.startswith(last) for option in found]
    yield _nearest(given, begun)
    yield _spelt(word, by_word, CLOSE)
    close = get_close_matches(last, list(by_last), n=1, cutoff=CLOSE)
    yield _nearest(given, by_last[close[0]]) if close else None
    words = [part for part in re.split(r"[-_. ]+", given.lower().strip("-")) if part]
    helped = [option for option, text in options.items() if " ".join(words) in text.lower()]
    yield _nearest(given, helped) if len(words) > 1 else None
    yield _spelt(word, by_word, ROUGHLY)


def _spelt(word: str, by_word: Mapping[str, str], cutoff: float) -> str | None:
    close = get_close_matches(word, list(by_word), n=1, cutoff=cutoff)
    return by_word[close[0]] if close else None


def _nearest(given: str, options: list[str]) -> str | None:
    """Return the option that is spelt most like the given one; of equals the first."""
    close = get_close_matches(given, options, n=1, cutoff=0.0)
    return close[0] if close else None


def _letters(option: str) -> str:
    return re.sub(r"[-_]", "", option.lower())

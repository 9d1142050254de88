"""Which option was meant by one that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

CLOSE, ROUGHLY = 0.75, 0.5
"""Similarities of spelling, as difflib counts them."""


def meant(given: str, options: Mapping[str, str]) -> str:
    """Return ``did you mean '--x'?``, or where to look; `options` are the known ones with their help texts.

    Tried in this order: the same letters in another case or with other signs between them, the same last word in
    other groups (``--lr`` for ``--optimizer.lr``), a beginning of it, a close spelling, the words of its help, and a
    rough spelling. Several are named where the same word stands in several groups.
    """
    for found in _candidates(given, options):
        if found:
            return f"did you mean {' or '.join(map(repr, found[:3]))}?"
    return "--help lists them all"


def _candidates(given: str, options: Mapping[str, str]) -> Iterator[list[str]]:
    word, last = _letters(given), _letters(given.rpartition(".")[2])
    by_word = {_letters(option): option for option in reversed(list(options))}
    by_last: dict[str, list[str]] = {}
    for option in options:
        by_last.setdefault(_letters(option.rpartition(".")[2]), []).append(option)
    yield [by_word[word]] if word in by_word else []
    grouped = "." in given
    yield _nearest(given, by_last.get(last, []), 1 if grouped else 3)
    begun = [option for key, found in by_last.items() if len(last) > 2 and key.startswith(last) for option in found]
    yield _nearest(given, begun, 1)
    yield _spelt(word, by_word, CLOSE)
    close = get_close_matches(last, list(by_last), n=1, cutoff=CLOSE)
    yield _nearest(given, by_last[close[0]], 1) if close else []
    words = [part for part in re.split(r"[-_. ]+", given.lower().strip("-")) if part]
    helped = [option for option, text in options.items() if " ".join(words) in text.lower()]
    yield _nearest(given, helped, 1) if len(words) > 1 else []
    yield _spelt(word, by_word, ROUGHLY)


def _spelt(word: str, by_word: Mapping[str, str], cutoff: float) -> list[str]:
    return [by_word[close] for close in get_close_matches(word, list(by_word), n=1, cutoff=cutoff)]


def _nearest(given: str, options: list[str], count: int) -> list[str]:
    """Return the options that are spelt most like the given one, the nearest first."""
    return get_close_matches(given, options, n=count, cutoff=0.0)


def _letters(option: str) -> str:
    return re.sub(r"[-_]", "", option.lower())

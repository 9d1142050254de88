"""Names as they come from file systems and files, made fit to be compared, printed and stored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

SHOWN = 12


def tidy(name: str) -> str:
    """Return a name that equals itself on every system: composed letters (NFC), and bytes that are no UTF-8 escaped."""
    return printable(unicodedata.normalize("NFC", name))


def printable(text: str) -> str:
    """Return text on one line that every UTF-8 file takes; what cannot be shown is escaped, as in ``caf\\xe9``."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """Return ``a, b, c``, or the first and the last of many and how many there are."""
    shown = [name if name and name == name.strip() else repr(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[: most - 1])} ... {shown[-1]} ({len(shown)} in all)"
    return ", ".join(shown)


def natural(names: Iterable[str]) -> list[str]:
    """Return names in the order that a person expects: text as text, digits within it as numbers (1, 2, 10)."""
    names = list(names)
    if all(re.fullmatch(r"-?[0-9]{1,15}", name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names, key=lambda name: (_parts(name), name))


def _parts(name: str) -> list[tuple[int, str, str]]:
    """Text and numbers in turn; numbers compare by length, then digits, so that none is too long to be read."""
    pieces = re.split(r"([0-9]+)", name)
    return [(len(p.lstrip("0")), p.lstrip("0"), "") if i % 2 else (0, "", p) for i, p in enumerate(pieces)]

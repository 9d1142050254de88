"""Output that never fails for the characters in it, and says so where it cannot be written at all."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import unicodedata

PLAIN = {
    "–": "-", "—": "-", "−": "-", "━": "-", "─": "-", "╸": "-", "╺": "-", "│": "|", "…": "...", "×": "x", "·": "*",
    "±": "+-", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≈": "~", "∞": "inf", "‘": "'", "’": "'", "“": '"',
    "”": '"', "α": "alpha", "δ": "delta", "ε": "eps", "τ": "tau", "φ": "phi", "ψ": "psi", "λ": "lambda", "µ": "u",
    "•": "*", "█": "#", "▁": "_", "✓": "ok", "✗": "x", "√": "sqrt", "∈": "in", "°": "deg", "ß": "ss", "æ": "ae",
}  # fmt: skip
"""What is written where the terminal has no such character."""
HANDLER = "wsrnas.plain"


def plain(error: UnicodeError) -> tuple[str, int]:
    """Return plain characters for those that an encoding does not have: a codec's error handler."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def make_safe() -> None:
    """Let both outputs write plain characters where the terminal has no others."""
    codecs.register_error(HANDLER, plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def flush() -> None:
    """Write what is still waiting; raises what writing raises, which would go unnoticed at the program's end."""
    if sys.stdout is not None:
        sys.stdout.flush()


def silence() -> None:
    """Send the rest of the standard output nowhere, so that the program ends without another failure."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(character: str) -> str:
    if character in PLAIN:
        return PLAIN[character]
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letters or "?"


def out_of_memory(error: Exception) -> bool:
    """Return whether Python, numpy or torch, on a processor or a graphics card, asked for more than there is."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in ("out of memory", "allocate memory"))

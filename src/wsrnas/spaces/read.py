"""An architecture from a file or from text, in any notation of any space."""

from __future__ import annotations

from pathlib import Path

from wsrnas.errors import InputError, refuse
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.named import get_space
from wsrnas.spaces.parse import parse_darts, parse_nasbench201

LONGEST_TEXT = 100_000


def read_genotype(text_or_path: str | Path) -> Genotype:
    """Read a genotype from a file or from text: our JSON, a DARTS `Genotype(…)`, or a NAS-Bench-201 string.

    Raises:
        InputError: no such file, none of the three notations, an unknown operation (the nearest is suggested), or
            edges that make no cell; says so in one sentence.
    """
    text, source = _content(text_or_path)
    stripped = text.strip()
    if len(stripped) > LONGEST_TEXT:
        refuse(source, expected=f"at most {LONGEST_TEXT} characters", got=f"{len(stripped)}")
    if stripped.startswith("{"):
        genotype = Genotype.from_json(stripped, source=source)
        get_space(genotype.space).check(genotype, argument=source)
        return genotype
    if stripped.startswith("|"):
        return parse_nasbench201(stripped, source=source)
    if "Genotype(" in stripped:
        return parse_darts(stripped, source=source)
    shown = repr(stripped[:60] + ("…" if len(stripped) > 60 else ""))
    refuse(source, expected="genotype JSON, a DARTS Genotype(…) or a NAS-Bench-201 |…|+|…| string", got=shown)


def is_genotype_text(text: str) -> bool:
    """Return whether text is, or means to be, a genotype rather than the name of something."""
    return text.lstrip()[:1] in ("{", "|") or "Genotype(" in text


def _content(text_or_path: str | Path) -> tuple[str, str]:
    if isinstance(text_or_path, str) and is_genotype_text(text_or_path):
        return text_or_path, "genotype"
    path = Path(text_or_path)
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_TEXT + 1).decode("utf-8-sig"), str(path)
    except (FileNotFoundError, IsADirectoryError, OSError, ValueError) as error:
        reason = "is not text" if isinstance(error, ValueError) else "cannot be read"
        raise InputError(
            f"genotype: expected a genotype or a file that holds one, got {str(path)[:200]!r}, which {reason}"
        ) from error

"""Files that often lie where another should."""

from __future__ import annotations

from pathlib import Path


def mistaken_for(encoded: Path | bytes) -> str | None:
    """Return what a file is by its first bytes, if it is one of those: a Git LFS pointer, a web page, or empty."""
    try:
        start = encoded[:200] if isinstance(encoded, bytes) else _first(encoded)
    except OSError:  # that it cannot be opened is said by whoever tried before
        return None
    if not start:
        return "empty"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer: run git lfs pull"
    return "a web page" if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")) else None


def _first(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(200)

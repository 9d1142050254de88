"""Numbers as people say them."""

from __future__ import annotations


def percent(share: float | int, digits: int = 1) -> str:
    """Write a share as a percentage: 62.5 %."""
    return f"{100 * share:.{digits}f} %"


def duration(seconds: float | int) -> str:
    """Write a duration as people say it: 8.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"

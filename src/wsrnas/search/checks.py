"""Refusals that several settings share."""

from __future__ import annotations

from wsrnas.errors import nearest, refuse


def one_of(argument: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of the known ones."""
    if value not in known:
        refuse(argument, expected=f"one of {', '.join(known)}", got=value, remedy=nearest(value, known))


def at_least(minimum: int, **values: int) -> None:
    """Refuse numbers below a minimum; keys are argument names."""
    for name, value in values.items():
        if value < minimum:
            refuse(name, expected=f"at least {minimum}", got=value)

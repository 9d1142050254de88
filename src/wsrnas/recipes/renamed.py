"""Settings that were called otherwise once: each old spelling is refused with the new one named."""

from __future__ import annotations

from collections.abc import Iterable

from wsrnas.errors import refuse

RENAMED: dict[str, dict[str, str]] = {
    "search": {
        "weights": "training",
        "noise": "noise_estimator",
        "noise.estimator": "noise_estimator.name",
        "loss": "measure",
        "loss.estimator": "strategy.settings.loss_estimator",
        "loss.settings": "strategy.settings.loss_estimator_settings",
        "loss.memory": "strategy.settings.memory",
        "choose": "strategy.settings",
        "choose.population": "budget.population",
        "choose.iterations": "budget.iterations",
        "choose.explore": "strategy.settings.exploration",
        "choose.finalists": "finalists.count",
        "choose.audition": "finalists.epochs",
        "choose.verify_steps": "finalists.attack_steps",
        "compare": "rivals",
        "compare.random": "rivals.count",
        "compare.steps": "rivals.attack_steps",
    },
    "train": {},
}
"""Old name to new, by command; a group stands for all settings in it that have no entry of their own."""


def refuse_renamed(command: str, keys: Iterable[str], *, where: str) -> None:
    """Refuse the first key (dotted, without dashes) that was renamed; `where` names the file or option it stands in.

    Raises:
        InputError: an old spelling; the message has the new one.
    """
    table = RENAMED.get(command, {})
    for key in keys:
        new = new_name(table, key)
        if new is not None:
            refuse(where, expected=f"{new}, as it is called now", got=key, remedy=f"write {new} instead of {key}")


def new_name(table: dict[str, str], key: str) -> str | None:
    """Return what a dotted key is called now, None where it still is called so."""
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        group = ".".join(parts[:length])
        if group in table:
            return ".".join([table[group], *parts[length:]])
    return None

"""Settings that have another name now: the old one is refused, with the new one and how to write it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from wsrnas.errors import refuse

_LOSS = ("eps", "strengths", "steps", "step_size", "step_ratio", "random_start", "beta", "attack_mode")
_SCHEDULE = ("milestones", "decay", "warmup", "last", "peak")

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
    "train": {
        **{f"loss.{key}": f"loss.settings.{key}" for key in _LOSS},
        **{f"schedule.{key}": f"schedule.settings.{key}" for key in _SCHEDULE},
    },
}
"""Old name to new, by command; a group stands for all settings in it that have no entry of their own."""


def new_name(command: str, key: str) -> str | None:
    """Return what a dotted setting is called now, None where it still is called so."""
    table, parts = RENAMED.get(command, {}), key.split(".")
    for length in range(len(parts), 0, -1):
        group = ".".join(parts[:length])
        if group in table:
            return ".".join([table[group], *parts[length:]])
    return None


def refuse_renamed(command: str, settings: Mapping[str, Any], *, where: str, remedy: str = "") -> None:
    """Refuse settings, nested or dotted, that hold an old name.

    Raises:
        InputError: a setting of `RENAMED`; names `where` it stands, its new name and what to write.
    """
    old = [(key, value) for key, value in _dotted(settings) if new_name(command, key) is not None]
    if not old:
        return
    key, value = next((one for one in old if one[1] is not None), old[0])
    new = str(new_name(command, key))
    write = "leave it out" if value is None else f"write {_in_yaml(new, value)}"
    refuse(where, expected=f"the setting {new}", got=f"its old name {key}", remedy=remedy or write)


def refuse_renamed_option(command: str, option: str, value: str | None) -> None:
    """Refuse an option such as ``--loss.eps`` by an old name; `value` is what it was given.

    Raises:
        InputError: an option of `RENAMED`; names the new one and what to write.
    """
    new = new_name(command, option.removeprefix("--"))
    if new is not None:
        write = f"--{new}" if value is None else f"--{new} {value}"
        refuse(option, expected=f"the option --{new}", got="its old name", remedy=f"write {write}")


def _in_yaml(dotted: str, value: Any) -> str:
    """Return a setting as a recipe holds it: ``loss: {settings: {eps: 8/255}}``."""
    for key in reversed(dotted.split(".")):
        value = {key: value}
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).strip()[1:-1]


def _dotted(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and key != "settings":
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value

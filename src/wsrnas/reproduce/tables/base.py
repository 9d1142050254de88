"""What every table and figure of the paper is to `wsrnas reproduce`: the runs it is made of, and what they come to."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from wsrnas import zoo
from wsrnas.configure import flat
from wsrnas.errors import refuse
from wsrnas.reproduce.result import Result
from wsrnas.reproduce.runs import Outcome, Run
from wsrnas.reproduce.scale import Scale

Outcomes = Mapping[str, Outcome]
"""What the runs came to, by `Run.outcome`."""
UNSAID = ("recipe", "checkpoint_every", "runtime.threads", "runtime.channels_last", "data.root", "data.pipeline")
"""Settings that change nothing about a result."""


class Table(ABC):
    """A table or figure of Cheng et al., AAAI 2023."""

    name: ClassVar[str]
    title: ClassVar[str]
    asks: ClassVar[str]
    """What it says, in the paper's sense."""
    data: ClassVar[str] = "CIFAR-10"
    """What the paper measured it on."""
    timed: ClassVar[bool] = False
    """Whether seconds are what its runs are for."""

    @abstractmethod
    def runs(self, scale: Scale) -> tuple[Run, ...]:
        """Return the runs in the order they can be done in.

        Raises:
            InputError: settings of the scale that mean nothing.
        """

    @abstractmethod
    def result(self, scale: Scale, outcomes: Outcomes) -> Result:
        """Return the paper's numbers and ours, from the outcomes of all runs."""


def search_of(card: zoo.Card) -> tuple[str, dict[str, Any]]:
    """Return the recipe and the settings of the search that a card offers, from its command.

    Raises:
        InputError: a card without one.
    """
    words = shlex.split(card.search or "")
    if "--recipe" not in words:
        refuse(card.name, expected="a card with a search", got=repr(card.search), remedy="choose another --lines")
    options = dict(zip(words[2::2], words[3::2]))
    settings = {"strategy": options["--strategy"]} if "--strategy" in options else {}
    return options["--recipe"], settings


def settings_that_differ(printed: Any, made: Any) -> tuple[tuple[str, str, str], ...]:
    """Return the settings of two configurations of one kind that differ: their names, the paper's value and ours."""
    one, other = flat(asdict(printed)), flat(asdict(made))
    return tuple(
        (key, _said(one.get(key)), _said(other.get(key)))
        for key in one
        if one.get(key) != other.get(key) and key not in UNSAID
    )


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(one)}" for key, one in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)

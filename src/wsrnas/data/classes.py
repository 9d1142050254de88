"""Which label is which class: the classes of a data set, those of a network, and the way from one to the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wsrnas.data.text import listed
from wsrnas.errors import refuse

Kind = Literal["words", "named", "numbers"]
WHOLE = re.compile(r"[0-9]{1,9}")
NAME_THEM = "name the network's classes in their order with --data.class_names"


@dataclass(frozen=True, kw_only=True)
class DataClasses:
    """The classes of a data set: label i is `names[i]`.

    Attributes:
        names: one for each class.
        kind: what the labels are in the data itself: words (folders, text), whole numbers with names (named), or whole
            numbers alone (numbers), which then are the names.
        order: in which order the names are, and why.
    """

    names: tuple[str, ...]
    kind: Kind
    order: str


@dataclass(frozen=True, kw_only=True)
class NetworkClasses:
    """The classes of a network: output i is `names[i]`; without names only the `count` of its outputs is known."""

    count: int
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            refuse("classes.count", expected="at least 1", got=self.count, remedy="count the network's outputs")
        if self.names is None:
            return
        if len(self.names) != self.count or len(set(self.names)) != self.count:
            expected, got = f"{self.count} different names", f"{len(self.names)} ({listed(self.names)})"
            refuse("classes.names", expected=expected, got=got, remedy="give every output of the network its own")


@dataclass(frozen=True, kw_only=True)
class ClassMap:
    """Where each class of a data set is among a network's: `positions[label]`, -1 for a class without images."""

    positions: tuple[int, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def align(
    found: DataClasses, used: Sequence[int], target: NetworkClasses, *, where: str, whose: str = "the network"
) -> ClassMap:
    """Map the classes of a data set to those of a network.

    With names on both sides, by name: the order may differ and classes may be missing. A network whose classes are
    named by numbers alone takes whole-number labels by number. Without names of the network, whole-number labels stay
    as they are, and words must be as many as its outputs.

    Args:
        found: the classes of the data.
        used: the labels that have images; the others need no class of the network.
        target: the classes of the network.
        where: what holds the data, for the message.
        whose: whose classes they are, for the message.

    Raises:
        InputError: a class that the network does not have; the message lists both.
    """
    if target.names is None:
        return _without_names(found, used, target.count, where)
    labels = found.names
    notes: tuple[str, ...] = ()
    place = {name: position for position, name in enumerate(target.names)}
    numbered = found.kind == "named" and all(WHOLE.fullmatch(name) for name in target.names)
    if numbered and not {labels[i] for i in used} <= set(place):
        labels = tuple(str(number) for number in range(len(labels)))
        notes = (f"the classes of {whose} are numbers: labels of {where} are taken by number, not by name",)
    unknown = [labels[i] for i in used if labels[i] not in place]
    if unknown:
        remedy = "rename the data's classes like them, or leave out images of other classes"
        if whose == "the training set":
            remedy = "the test set may hold only classes of the training set"
        if found.kind == "numbers":
            remedy = "say which class is label 0, 1, ... with --data.class_names"
        got = f"{listed([labels[i] for i in used])}; not among them: {listed(unknown)}"
        refuse("data", expected=f"classes of {whose} ({listed(target.names)}) in {where}", got=got, remedy=remedy)
    positions = [-1] * len(labels)
    for label in used:
        positions[label] = place[labels[label]]
    notes += _said(labels, positions, target, whose, where)
    return ClassMap(positions=tuple(positions), names=target.names, notes=notes)


def _said(
    labels: tuple[str, ...], positions: list[int], target: NetworkClasses, whose: str, where: str
) -> tuple[str, ...]:
    """Say what differs between the two lists."""
    notes = []
    if any(position not in (-1, label) for label, position in enumerate(positions)):
        names = [name for name, position in zip(labels, positions) if position >= 0]
        notes.append(f"labels mapped by name to the classes of {whose} ({listed(target.names or ())}): {listed(names)}")
    missing = [name for i, name in enumerate(target.names or ()) if i not in positions]
    if missing:
        notes.append(f"no images of {listed(missing)} in {where}")
    return tuple(notes)


def _without_names(found: DataClasses, used: Sequence[int], count: int, where: str) -> ClassMap:
    """Map to a network of which only the number of outputs is known."""
    names = [found.names[i] for i in used]
    numbers = tuple(str(number) for number in range(count))
    inside = all(WHOLE.fullmatch(name) and int(name) < count for name in names)
    distinct = len({int(name) for name in names if WHOLE.fullmatch(name)}) == len(names)
    if found.kind != "named" and inside and distinct:
        positions = [-1] * len(found.names)
        for label in used:
            positions[label] = int(found.names[label])
        said = f"class names of {where} are taken as numbers of the network's classes: {listed(names)}"
        return ClassMap(positions=tuple(positions), names=numbers, notes=(said,) if found.kind == "words" else ())
    if found.kind == "numbers":
        expected = f"labels 0 to {count - 1}, the classes of the network, in {where}"
        refuse("data", expected=expected, got=listed(names), remedy=NAME_THEM)
    if len(found.names) != count:
        expected = f"the {count} classes of the network, whose names are not known, in {where}"
        refuse("data", expected=expected, got=f"{len(found.names)} ({listed(found.names)})", remedy=NAME_THEM)
    if found.kind == "words" and list(found.names) != sorted(found.names):
        expected = f"classes of {where} in an order that is sure, since the names of the network's are not known"
        got = f"{listed(found.names)} by number but {listed(sorted(found.names))} as text"
        refuse("data", expected=expected, got=got, remedy=NAME_THEM)
    notes = (f"the names of the network's classes are not known: {listed(found.names)} are taken as 0 to {count - 1}",)
    occurring = set(used)
    positions = [label if label in occurring else -1 for label in range(count)]
    return ClassMap(positions=tuple(positions), names=found.names, notes=notes if found.kind == "words" else ())

"""The labels that a run sees: a source's own, brought to given class names and to the classes of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from wsrnas.data.classes import ClassMap, DataClasses, NetworkClasses, align
from wsrnas.data.config import DataConfig
from wsrnas.data.sources.base import Source
from wsrnas.data.text import listed
from wsrnas.errors import refuse


@dataclass(frozen=True, eq=False)
class Assigned:
    """Labels (N,) that number `names`, in which order and why, and what is to be said of it."""

    labels: Int[Tensor, "N"]
    names: tuple[str, ...]
    order: str
    notes: tuple[str, ...]


def assign(
    source: Source, given: tuple[str, ...], target: NetworkClasses | None, *, whose: str = "the network"
) -> Assigned:
    """Number a source's labels by its own classes, else by the names `given` for them, then by a network's.

    Raises:
        InputError: a class that is not among the given ones or not among the network's; the message lists both.
    """
    found, labels = source.classes, source.labels
    if given:
        mapped = name_classes(found, _used(labels), given, where=source.title)
        labels = _mapped(labels, mapped)
        found = DataClasses(names=given, kind="named", order="as --data.class_names gives them")
    if target is None:
        return Assigned(labels, found.names, found.order, _said(found, source))
    mapped = align(found, _used(labels), target, where=source.title, whose=whose)
    order = f"as {whose} has them" if target.names is not None else found.order
    return Assigned(_mapped(labels, mapped), mapped.names, order, mapped.notes)


def name_classes(found: DataClasses, used: Sequence[int], given: tuple[str, ...], *, where: str) -> ClassMap:
    """Map classes to given names: by name, or whole-number labels without names of their own by number.

    Raises:
        InputError: a class that is not given, or a number that no name is given for.
    """
    names = [found.names[i] for i in used]
    if found.kind != "numbers" or set(names) <= set(given):
        return align(found, used, NetworkClasses(count=len(given), names=given), where=where, whose="data.class_names")
    if any(not 0 <= int(name) < len(given) for name in names):
        expected = f"labels 0 to {len(given) - 1}, as many as data.class_names ({listed(given)}), in {where}"
        refuse("data.class_names", expected=expected, got=listed(names), remedy="give a name for every label from 0 on")
    positions = [-1] * len(found.names)
    for label in used:
        positions[label] = int(found.names[label])
    return ClassMap(positions=tuple(positions), names=given)


def check_classes(known: Assigned, config: DataConfig, *, carved: bool, scored: bool) -> None:
    """Refuse a single class, and classes too small for every part to get an image.

    Data that is only scored may hold any classes; where its test set is carved from it, each needs two images.
    """
    counts = torch.bincount(known.labels, minlength=len(known.names)).tolist()
    if len(known.names) < 2 and not scored:
        got = f"1 ({known.names[0]})" if known.names else "none"
        remedy = "add images of another class, or point --data.root at the folder that holds the class folders"
        refuse("data", expected="at least 2 classes", got=got, remedy=remedy)
    least = 1 + (config.valid_fraction > 0 and not scored) + carved
    small = min((i for i in range(len(counts)) if counts[i] or not scored), key=counts.__getitem__)
    if counts[small] < least:
        parts = ", ".join(["D_t"] + ["D_v"] * (config.valid_fraction > 0) + ["the test set"] * carved)
        expected = f"at least {least} training images of every class, one each for {parts}"
        remedy = "add images or remove the class"
        if scored:
            expected = "at least 2 images of every class, since a fifth of each becomes the test set"
            remedy = "put all images that are to be scored below ROOT/test"
        refuse("data", expected=expected, got=f"{counts[small]} of class {known.names[small]!r}", remedy=remedy)


def _used(labels: Int[Tensor, "N"]) -> list[int]:
    return [int(label) for label in torch.unique(labels)]


def _mapped(labels: Int[Tensor, "N"], mapped: ClassMap) -> Int[Tensor, "N"]:
    return torch.tensor(mapped.positions, dtype=torch.int64)[labels]


def _said(found: DataClasses, source: Source) -> tuple[str, ...]:
    """Say the order of classes, unless the labels are the numbers that the data itself gives to its classes."""
    numbers = tuple(str(number) for number in range(len(found.names)))
    if source.classes.kind == "words" or (
        found is source.classes and found.kind == "numbers" and found.names != numbers
    ):
        return (f"classes {found.order}: {listed(found.names)}",)
    return ()

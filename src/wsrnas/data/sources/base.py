"""Where encoded images and labels come from, before anything is decoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from wsrnas.data.classes import DataClasses
from wsrnas.data.text import listed, natural, tidy
from wsrnas.errors import refuse


class Source(ABC):
    """Labelled images in a fixed order; images are opened one at a time, when asked for.

    `labels` (N,) number the names of `classes`; rows are positions 0 … N-1; `title` names the whole for a message, and
    `notes` say what of it was passed over.
    """

    classes: DataClasses
    labels: Int[Tensor, "N"]
    title: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def open(self, row: int) -> Image.Image:
        """Decode one image, unchanged in size and mode.

        Raises:
            InputError: the image is damaged; the message names it.
        """

    @abstractmethod
    def describe(self, row: int) -> str:
        """Name one image for an error message."""

    @abstractmethod
    def token(self, row: int) -> str:
        """Return what tells a changed image from an unchanged one without decoding it."""

    @abstractmethod
    def size(self, row: int) -> int:
        """Return how many bytes one image has as it is stored, without reading it."""

    @abstractmethod
    def stored(self, row: int) -> bytes:
        """Return one image as it is stored."""


@dataclass(frozen=True)
class Sources:
    """The training images, and how to reach the test images; `test` is None where there is no test part of its own.

    With `test_only` there is nothing to train on: `train` is then the test part itself.
    """

    train: Source
    test: Callable[[], Source] | None
    test_only: bool = False
    notes: tuple[str, ...] = ()


def word_classes(words: Iterable[str]) -> DataClasses:
    """Return classes that are known by words alone, in natural order (1, 2, 10)."""
    names = tuple(natural(set(words)))
    return DataClasses(names=names, kind="words", order="by name" if list(names) == sorted(names) else "by number")


def number_labels(
    values: list[Any], *, names: tuple[str, ...] | None, where: str
) -> tuple[DataClasses, Int[Tensor, "N"]]:
    """Turn label values into (classes, indices).

    `names` are the data's own class names, which whole-number labels index; without them every value that occurs is a
    class: whole numbers in ascending order, words in natural order.

    Raises:
        InputError: a label outside the names, two classes of one name, or an unlabelled image.
    """
    if any(value is None or value == -1 or value == "" for value in values):
        remedy = "this part of the data is unlabelled: name another with --data.root"
        refuse("data", expected=f"a label for every image of {where}", got="images without one", remedy=remedy)
    if names is not None:
        outside = [value for value in values if not isinstance(value, int) or not 0 <= value < len(names)]
        if outside:
            expected = f"labels 0 to {len(names) - 1} in {where}"
            refuse("data", expected=expected, got=str(outside[0]), remedy="repair the file")
        named = tuple(tidy(name) for name in names)
        if len(set(named)) < len(named):
            refuse("data", expected=f"a name for each class of {where}", got=listed(named), remedy="repair the file")
        classes = DataClasses(names=named, kind="named", order="as the data numbers them")
        return classes, torch.tensor([int(value) for value in values], dtype=torch.int64)
    if all(type(value) is int for value in values):
        numbers = tuple(str(value) for value in sorted(set(values)))
        classes = DataClasses(names=numbers, kind="numbers", order="by number")
        shown = [str(value) for value in values]
    else:
        shown = [tidy(str(value)) for value in values]
        classes = word_classes(shown)
    position = {name: i for i, name in enumerate(classes.names)}
    return classes, torch.tensor([position[name] for name in shown], dtype=torch.int64)

"""Where encoded images and labels come from, before anything is decoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from wsrnas.errors import refuse


class Source(ABC):
    """Labelled images in a fixed order; images are opened one at a time, when asked for.

    `labels` (N,) index `classes`; rows are positions 0 … N-1.
    """

    classes: tuple[str, ...]
    labels: Int[Tensor, "N"]

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


@dataclass(frozen=True)
class Sources:
    """The training images, and how to reach the test images; None where the data has no test part of its own."""

    train: Source
    test: Callable[[], Source] | None


def number_labels(
    values: list[Any], *, names: tuple[str, ...] | None, where: str, known: tuple[str, ...] | None
) -> tuple[tuple[str, ...], Int[Tensor, "N"]]:
    """Turn label values into (classes, indices).

    `names` are the data's own class names, which whole-number labels index; without them every value that occurs is a
    class, in ascending order. `known` are the classes of the training set, which a test set must keep to.

    Raises:
        InputError: a label outside the names, a label the training set lacks, or an unlabelled image.
    """
    if any(value is None or value == -1 for value in values):
        remedy = "this part of the data is unlabelled: name another with --data.root"
        refuse("data", expected=f"a label for every image of {where}", got="images without one", remedy=remedy)
    if names is not None:
        outside = [value for value in values if not isinstance(value, int) or not 0 <= value < len(names)]
        if outside:
            expected = f"labels 0 to {len(names) - 1} in {where}"
            refuse("data", expected=expected, got=outside[0], remedy="repair the file")
        shown, classes = [names[int(value)] for value in values], names
    else:
        classes = known or tuple(str(value) for value in sorted(set(values)))
        shown = [str(value) for value in values]
    if known is not None:
        classes = known
    position = {name: i for i, name in enumerate(classes)}
    missing = sorted(set(shown) - set(position))
    if missing:
        remedy = "the test set may hold only classes of the training set"
        refuse("data", expected=f"known classes in {where}", got=missing[0], remedy=remedy)
    return classes, torch.tensor([position[name] for name in shown], dtype=torch.int64)

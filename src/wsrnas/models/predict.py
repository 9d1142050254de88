"""Pictures to class names and probabilities, read exactly as in training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from wsrnas.data.memory import to_float
from wsrnas.data.pixels import Reader
from wsrnas.data.sources.folder import FolderSource
from wsrnas.data.sources.pictures import pictures
from wsrnas.errors import InputError, at_least
from wsrnas.models.classifier import Classifier

RESIZE = "pass --resize (Python: resize=True) to scale and convert pictures to what the network takes"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a network says of one picture: `probabilities`, the softmax, by class in the order of the logits."""

    path: str
    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.likeliest(1)[0]

    @property
    def probability(self) -> float:
        """The probability of the likeliest class."""
        return self.probabilities[self.label]

    def likeliest(self, count: int) -> list[str]:
        """Return the likeliest classes, the first of equals first."""
        return sorted(self.probabilities, key=self.probabilities.__getitem__, reverse=True)[:count]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        found = {"path": self.path, "label": self.label, "probability": self.probability}
        return {**found, "probabilities": self.probabilities}

    def __str__(self) -> str:
        return f"{self.path}: {self.label} ({self.probability:.1%})"


def predict(
    model: Classifier,
    paths: str | Path | Sequence[str | Path],
    *,
    batch_size: int = 128,
    device: torch.device | str = "cpu",
    resize: bool = False,
) -> list[Prediction]:
    """Classify image files and folders of them, one prediction a picture, in order.

    Pictures are turned by their EXIF orientation and made to fit as in the network's training; what that did not do,
    such as scaling, is refused unless `resize` asks for it.

    Raises:
        InputError: no pictures, one that is damaged or does not fit the network (names it), or logits that are not
            finite.
    """
    found = pictures([paths] if isinstance(paths, (str, Path)) else paths)
    return list(predictions(model, found, batch_size=batch_size, device=device, resize=resize))


@torch.no_grad()
def predictions(
    model: Classifier, source: FolderSource, *, batch_size: int, device: torch.device | str, resize: bool = False
) -> Iterator[Prediction]:
    """Yield the prediction of every picture, a batch at a time."""
    at_least(1, batch=batch_size)
    model = model.to(device).eval()
    reader = reader_for(model, source, resize=resize)
    for start in range(0, len(source), batch_size):
        rows = list(range(start, min(start + batch_size, len(source))))
        logits = model(to_float(reader.read(rows)).to(device))
        if not bool(torch.isfinite(logits).all()):
            remedy = "its weights are damaged, or it overflows: run `wsrnas check` on it"
            raise InputError(f"model: expected finite logits, got NaN or infinity for {source.files[start]}; {remedy}")
        for row, line in zip(rows, logits.double().softmax(1).cpu()):
            yield Prediction(path=str(source.files[row]), probabilities=dict(zip(model.labels, line.tolist())))


def reader_for(model: Classifier, source: FolderSource, *, resize: bool = False) -> Reader:
    """Return what reads pictures for a network as its training did."""
    own = model.preprocessing
    return Reader(
        source=source,
        shape=model.image_shape,
        resize=own.resize or resize,
        convert=own.convert or resize,
        kept_share=own.kept_share,
        threads=1,
        whose="which the network takes",
        remedy=RESIZE,
    )

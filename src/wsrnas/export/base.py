"""What every export format promises, and what is handed to it."""

from __future__ import annotations

import importlib.util
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from wsrnas import __version__
from wsrnas.errors import refuse
from wsrnas.models.classifier import Classifier
from wsrnas.models.description import Description


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A network to be exported, what is known of it, and where it comes from.

    `run` is its run folder, for formats that tell of training and evaluation; None where there is none.
    """

    model: Classifier
    description: Description
    name: str
    run: Path | None = None
    licence: str = ""

    def contract(self) -> dict[str, Any]:
        """Return what goes into the metadata: how to build the network, what it is asked and what it answers."""
        return {
            **self.description.to_dict(),
            "version": __version__,
            "input": {
                "name": "images",
                "shape": ["batch", *self.model.image_shape],
                "type": "float32",
                "range": [0, 1],
                "normalisation": "inside",
            },
            "output": {"name": "logits", "shape": ["batch", self.model.num_classes], "classes": self.model.labels},
        }

    def metadata(self) -> str:
        """Return the contract as JSON text."""
        return json.dumps(self.contract())


class ExportFormat(ABC):
    """One way to hand a network over; concrete classes are frozen dataclasses.

    What is written takes images (B,C,H,W) in [0,1] for any B, with normalisation inside, and holds the contract.
    """

    name: ClassVar[str]
    suffix: ClassVar[str] = ""
    """Of the file; none for a folder."""
    modules: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    """What brings these modules: an extra of this package."""

    @abstractmethod
    def write(self, subject: Subject, place: Path) -> None:
        """Write the file or folder; nothing of that name is there yet."""

    @abstractmethod
    def read(self, place: Path) -> nn.Module:
        """Return what has just been written as a function of images, run as those who get it will run it."""

    def check_installed(self) -> None:
        """Refuse a format whose libraries are missing; names the extra."""
        if missing := [name for name in self.modules if importlib.util.find_spec(name) is None]:
            remedy = f"pip install 'wsrnas[{self.extra}]'"
            refuse("--format", expected=f"{', '.join(missing)} for {self.name}", got="none installed", remedy=remedy)

    def check_place(self, out: Path) -> None:
        """Refuse a path that what is written could not be loaded from."""
        if self.suffix and out.suffix != self.suffix:
            remedy = f"call it {out.with_suffix(self.suffix)}"
            refuse("--out", expected=f"a file name that ends in {self.suffix}", got=str(out), remedy=remedy)
        if not self.suffix and out.exists() and not out.is_dir():
            refuse("--out", expected="a folder", got=f"{out}, a file", remedy="choose another name")

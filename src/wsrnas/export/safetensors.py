"""A safetensors file: the weights, and in its header how to build the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from safetensors.torch import save
from torch import nn

from wsrnas.export.base import ExportFormat, Subject
from wsrnas.files import write_atomic
from wsrnas.models.exported import load_exported
from wsrnas.weights.find import KEY


@dataclass(frozen=True, kw_only=True)
class Safetensors(ExportFormat):
    """Weights for `wsrnas.load` and `zoo.create(name, weights=…)`; gradients and training go on as before."""

    name: ClassVar[str] = "safetensors"
    suffix: ClassVar[str] = ".safetensors"

    def write(self, subject: Subject, place: Path) -> None:
        """Write the file."""
        write_atomic(place, weights(subject))

    def read(self, place: Path) -> nn.Module:
        """Build the network anew and load the weights strictly."""
        return load_exported(str(place))[0]


def weights(subject: Subject) -> bytes:
    """Return the tensors with the contract in the header."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in subject.model.network.state_dict().items()}
    return save(tensors, metadata={KEY: subject.metadata(), "format": "pt"})

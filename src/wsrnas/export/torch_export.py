"""A file of torch.export: the graph and its weights, for PyTorch without this package."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from wsrnas.export.base import ExportFormat, Subject
from wsrnas.weights.pt2 import EXTRA


@dataclass(frozen=True, kw_only=True)
class TorchExport(ExportFormat):
    """``torch.export.load(path).module()(images)`` wherever PyTorch is; the contract is its extra `wsrnas.json`."""

    name: ClassVar[str] = "torch-export"
    suffix: ClassVar[str] = ".pt2"

    def write(self, subject: Subject, place: Path) -> None:
        """Write the archive."""
        torch.export.save(program(subject), place, extra_files={EXTRA: subject.metadata()})

    def read(self, place: Path) -> nn.Module:
        """Return the graph; for what this process has written itself only, since reading one may run code."""
        found: nn.Module = torch.export.load(place).module()
        return found


def program(subject: Subject) -> torch.export.ExportedProgram:
    """Return the network's graph for batches of any size, in eval mode, every tensor with memory of its own."""
    network = copy.deepcopy(subject.model.network).cpu().eval().requires_grad_(False)
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)
    batch = torch.export.Dim("batch")
    images = torch.zeros(2, *subject.model.image_shape)
    return torch.export.export(network, (images,), dynamic_shapes=({0: batch},))

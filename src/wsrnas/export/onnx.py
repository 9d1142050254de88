"""An ONNX file, for runtimes of every kind."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from wsrnas.errors import InputError
from wsrnas.export.base import ExportFormat, Subject
from wsrnas.export.torch_export import program
from wsrnas.models.onnx_model import OnnxModel
from wsrnas.weights.find import KEY

LARGEST = 2**31 - 2**20
"""Bytes of weights that one ONNX file can hold."""


@dataclass(frozen=True, kw_only=True)
class Onnx(ExportFormat):
    """One file, input `images`, output `logits`; its metadata `wsrnas` has the contract."""

    name: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    modules: ClassVar[tuple[str, ...]] = ("onnx", "onnxscript", "onnxruntime")
    extra: ClassVar[str] = "onnx"

    def write(self, subject: Subject, place: Path) -> None:
        """Write the file."""
        size = sum(tensor.nbytes for tensor in subject.model.state_dict().values())
        if size > LARGEST:
            raise InputError(f"--format: an ONNX file holds 2 GiB, these weights have {size:,} bytes; use torch-export")
        with _quiet():
            found = torch.onnx.export(
                program(subject), (), dynamo=True, external_data=False, verbose=False,
                input_names=["images"], output_names=["logits"],
            )  # fmt: skip
            if found is None:
                raise InputError("--format: torch returned no ONNX program; use torch-export")
            found.model.metadata_props[KEY] = subject.metadata()
            found.save(place, external_data=False)

    def read(self, place: Path) -> nn.Module:
        """Return the file as onnxruntime runs it."""
        return OnnxModel(place)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what torch's exporter says of its own deprecated parts and of libraries that it does without."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)

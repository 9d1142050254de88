"""An ONNX file as a module without gradients."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.errors import InputError, refuse
from wsrnas.types import Images


class OnnxModel(nn.Module):
    """Runs an ONNX classifier on the CPU; only gradient-free attacks apply to it.

    Args:
        path: the file, with one input (B,C,H,W) in [0,1]; its first output is taken as logits.

    Raises:
        InputError: no such file, not ONNX, more than one input, or onnxruntime is not installed.
    """

    file_digest: Tensor

    def __init__(self, path: Path) -> None:
        super().__init__()
        if not path.is_file():
            refuse("model", expected="an existing .onnx file", got=str(path))
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError("model: ONNX files need onnxruntime; pip install 'wsrnas[onnx]'") from error
        content = b"".join(part.read_bytes() for part in _parts(path))
        try:
            self.session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(f"model: {path} is not a usable ONNX file ({error}); export it again") from error
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            shown = ", ".join(f"{one.name}{one.shape}" for one in inputs)
            refuse("model", expected="an ONNX file with one input (B,C,H,W)", got=shown)
        self._input = inputs[0].name
        batch = inputs[0].shape[0]
        self._batch = batch if isinstance(batch, int) and batch > 0 else None
        self.register_buffer("file_digest", torch.tensor(list(hashlib.sha256(content).digest()), dtype=torch.uint8))

    def forward(self, images: Images) -> Tensor:
        """Return the logits; a file with a fixed batch size is fed in pieces, the last one filled up with zeros."""
        count, size = len(images), self._batch or len(images)
        parts = []
        for piece in images.detach().float().cpu().split(size):
            filled = torch.cat([piece, piece.new_zeros(size - len(piece), *piece.shape[1:])])
            output = self.session.run(None, {self._input: filled.contiguous().numpy()})[0]
            parts.append(torch.from_numpy(output))
        return torch.cat(parts)[:count].to(images.device)


def _parts(path: Path) -> list[Path]:
    """Return the file and the ones beside it that hold its weights: exporters write large tensors to `name.data`."""
    beside = (path.with_name(path.name + end) for end in (".data", "_data"))
    return [path, *(part for part in beside if part.is_file())]
